import { Context, type Effect, type Stream } from "effect"
import type { PromptRefused, Question } from "../protocol/methods.ts"
import type { StorageError } from "../protocol/storage.ts"
import type * as protocol from "../protocol/upstream.ts"

/** Asks a person on whose behalf something is done; absent where there is nobody. */
export type Ask = (question: Question) => Effect.Effect<unknown, PromptRefused>

/** A call of a method of an upstream. */
export interface UpstreamCall {
  readonly name?: string | undefined
  readonly method: string
  /** The text of a JSON array. Default: `[]`. */
  readonly params?: string | undefined
  /** To the answer; of a job to its beginning. 0: no limit. Default: `upstream.callMillis`. */
  readonly timeoutMillis?: number | undefined
  /** Waits for the job that it is, if it is one. Without, a job's id is the result. */
  readonly job?: boolean | undefined
  /** It is a job: called at most once, before any progress. */
  readonly onJob?: ((job: number) => void) | undefined
  /** In order, and never after the call has ended. */
  readonly onProgress?: ((progress: protocol.JobProgress) => void) | undefined
  readonly ask?: Ask | undefined
}

export interface Login {
  readonly name?: string | undefined
  readonly user?: string | undefined
  readonly credential?: protocol.Credential | undefined
  readonly ask?: Ask | undefined
}

type Unnamed = protocol.UpstreamNotFound | protocol.UpstreamNotNamed

/**
 * The upstreams: each an actor with one connection that is logged in, shared by everybody here. Without a name, the one
 * that `upstream.default` says is meant, else the only one there is.
 */
export class Upstreams extends Context.Service<
  Upstreams,
  {
    /** By name. */
    readonly list: Effect.Effect<ReadonlyArray<protocol.Upstream>>
    status(name?: string): Effect.Effect<protocol.Upstream, Unnamed>
    add(
      declared: typeof protocol.AddUpstream.payloadSchema.Type
    ): Effect.Effect<
      protocol.Upstream,
      protocol.UpstreamExists | protocol.UpstreamInvalid | protocol.TooManyUpstreams | StorageError
    >
    remove(
      name: string
    ): Effect.Effect<protocol.Upstream, protocol.UpstreamNotFound | protocol.UpstreamFixed | StorageError>
    /** The declared ones, now and whenever one was added, removed or declared anew. */
    readonly changes: Stream.Stream<ReadonlyArray<protocol.UpstreamDeclaration>>
    reconnect(name?: string): Effect.Effect<protocol.Upstream, Unnamed | protocol.UpstreamConnectError>
    login(
      login: Login
    ): Effect.Effect<protocol.Upstream, Unnamed | protocol.UpstreamConnectError | protocol.UpstreamFixed | StorageError>
    /** Round trip in milliseconds. Never waits behind calls. */
    ping(
      name?: string,
      timeoutMillis?: number
    ): Effect.Effect<{ readonly name: string; readonly roundTripMillis: number }, protocol.UpstreamCallError>
    /** The text of the result, as the upstream wrote it. Interrupting it abandons the call and frees its permit. */
    call(call: UpstreamCall): Effect.Effect<string, protocol.UpstreamCallError>
    /** Events of a collection, as texts; one subscription upstream however many listen. */
    subscribe(
      collection: string,
      name?: string
    ): Stream.Stream<
      protocol.UpstreamEventItem,
      protocol.UpstreamCallError | protocol.UpstreamUnsubscribed | protocol.UpstreamListenerTooSlow
    >
  }
>()("hob/upstream/Upstreams") {}
