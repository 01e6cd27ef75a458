/** Agent sessions: coding agents on pipes, and what they say as events. The front door of this folder. */
import { Layer } from "effect"
import { Agents } from "./Agents.ts"
import * as handlers from "./handlers.ts"

export const layer = handlers.layer.pipe(Layer.provideMerge(Agents.layer))
