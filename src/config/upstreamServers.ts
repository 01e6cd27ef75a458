/** Upstreams, as people write them in the configuration. */
import { Schema } from "effect"
import { UpstreamConcurrency, UpstreamName, UpstreamUri, UpstreamUser } from "../protocol/upstream.ts"
import { parseDuration } from "./quantities.ts"

/** One upstream in `config.json`. */
export const UpstreamServer = Schema.Struct({
  uri: UpstreamUri,
  user: Schema.optionalKey(UpstreamUser),
  /** Take any certificate for the server's. */
  insecure: Schema.optionalKey(Schema.Boolean),
  /** Certificates, as PEM, that are trusted beside those of the system. `~` is the home. */
  caFile: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1))),
  concurrency: Schema.optionalKey(UpstreamConcurrency),
  /** Unused for so long, it is disconnected; `0s`: never. */
  lifetime: Schema.optionalKey(
    Schema.String.check(
      Schema.makeFilter((text) =>
        parseDuration(text) === undefined ? 'a duration such as "10m", or "0s" for ever' : undefined
      )
    )
  )
})
export type UpstreamServer = typeof UpstreamServer.Type

/** All of them, by name. */
export const UpstreamServers = Schema.Record(UpstreamName, UpstreamServer)
