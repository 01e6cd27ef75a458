import { Effect, Layer } from "effect"
import * as ClaudeSessions from "./claudeSessions/dialect.ts"
import * as Dialects from "./Dialects.ts"
import * as Gitify from "./gitify/dialect.ts"
import * as Happy from "./happy/dialect.ts"
import * as handlers from "./handlers.ts"
import * as Midclt from "./midclt/dialect.ts"
import * as Photon from "./photon/dialect.ts"

/** The protocols of other programs' daemons: the handlers of `dialects.*`, the service, and one actor for each that is enabled. */
export const layer = (options: Dialects.DialectsOptions) =>
  handlers.layer.pipe(
    Layer.provideMerge(
      Dialects.layer(options, Effect.all([ClaudeSessions.make, Gitify.make, Happy.make, Midclt.make, Photon.make]))
    )
  )
