/** Jobs: the handlers of `schedule.*`, the service, and the fiber that looks at the clock. The front door of this folder. */
import { Layer } from "effect"
import * as handlers from "./handlers.ts"
import * as Schedule from "./Schedule.ts"

export const layer = Layer.provideMerge(handlers.layer, Schedule.layer)
