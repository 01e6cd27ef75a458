import { Layer } from "effect"
import * as handlers from "./handlers.ts"
import * as LockTable from "./LockTable.ts"

/** Locks: the handlers of `locks.*`, the service, and the clock that ends leases. */
export const layer = Layer.merge(handlers.layer, handlers.layerDirect).pipe(Layer.provideMerge(LockTable.layer()))
