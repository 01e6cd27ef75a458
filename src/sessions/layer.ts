import { Layer } from "effect"
import type { Paths } from "../config/paths.ts"
import { Catalogue } from "./Catalogue.ts"
import * as Deadlines from "./deadlines.ts"
import * as FollowHost from "./followHost.ts"
import * as handlers from "./handlers.ts"
import { HostLink } from "./HostLink.ts"
import { HostUpgrade } from "./HostUpgrade.ts"
import { HostProcess } from "./HostProcess.ts"
import * as screensHandlers from "./screensHandlers.ts"
import { Sessions } from "./Sessions.ts"

/** Terminal sessions: the handlers of `sessions.*`, the service, the link to the session-host. */
export const layer = (paths: Paths) =>
  Layer.merge(handlers.layer, screensHandlers.layer).pipe(
    Layer.provideMerge(Sessions.layer(paths)),
    Layer.provideMerge(Layer.mergeAll(FollowHost.layer(paths), Deadlines.layer(paths))),
    Layer.provideMerge(HostUpgrade.layer(paths)),
    Layer.provideMerge(Catalogue.layer(paths)),
    Layer.provideMerge(HostLink.layer),
    Layer.provide(HostProcess.layer(paths))
  )
