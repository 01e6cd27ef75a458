/** Webhooks: what senders may call, the HTTP door they come through, the record, and who runs it. The front door of this folder. */
import { Layer } from "effect"
import * as handlers from "./handlers.ts"
import { SECRET_VARIABLE } from "./listenAt.ts"
import * as Listening from "./Listening.ts"
import * as Webhooks from "./Webhooks.ts"

export const layer = (options: Listening.ListeningOptions) =>
  handlers
    .layer(options.env[SECRET_VARIABLE] || undefined)
    .pipe(Layer.provideMerge(Listening.layer(options)), Layer.provideMerge(Webhooks.layer))
