/** Channels: what is published reaches whoever is subscribed, and is kept for a while. The front door of this folder. */
import { Layer } from "effect"
import * as Channels from "./Channels.ts"
import * as handlers from "./handlers.ts"

export const layer = Layer.provideMerge(handlers.layer, Channels.layer)
