import { Clock, Effect, Schedule, Semaphore } from "effect"
import type { Settings } from "../config/settings.ts"
import {
  UpstreamBadRequest,
  UpstreamBusy,
  type UpstreamCallError,
  UpstreamRequestTooLarge,
  UpstreamTimedOut
} from "../protocol/upstream.ts"
import { paramsProblem } from "./envelope.ts"
import { followJob } from "./followJob.ts"
import type { Followers } from "./jobs.ts"
import type { Link } from "./Link.ts"
import { type Begun, Out, type OutOptions } from "./Out.ts"
import { failed, unknown } from "./outcomes.ts"
import { decideRetry, whileBusy } from "./retry.ts"
import type { UpstreamCall } from "./Upstreams.ts"

/** What an envelope adds to method and parameters, its id among it. */
const ENVELOPE_BYTES = 96
/** The one method that takes more. */
const FILE_RECEIVE = { method: "filesystem.file_receive", bytes: 2 * 1024 * 1024 }

export interface CallsOptions {
  readonly name: string
  readonly concurrency: number
  readonly settings: () => Settings["upstream"]
  readonly link: Link
  readonly followers: Followers
}

/**
 * The calls of one upstream. The server's client is not safe to share, so a call is out only while it holds a permit of
 * one semaphore: first come, first served. A permit covers a request and its first answer: a job gives it back as soon as
 * it is known to be one, and then keeps nobody out. Giving a call up gives its permit back too.
 */
export interface Calls {
  readonly call: (call: UpstreamCall) => Effect.Effect<string, UpstreamCallError>
  readonly inFlight: () => number
  readonly waiting: () => number
}

export const make = ({ concurrency, followers, link, name, settings }: CallsOptions): Effect.Effect<Calls> =>
  Effect.sync(() => {
    const permits = Semaphore.makeUnsafe(concurrency)
    let inFlight = 0
    let waiting = 0

    /** Writes the request and waits for its first answer; undefined when nothing was written. */
    const send = (method: string, params: string, options: OutOptions, use: (out: Out) => void) =>
      permits.withPermit(
        Effect.suspend((): Effect.Effect<Begun | undefined> => {
          const connection = link.current()
          const out = connection === undefined ? undefined : Out.send(connection, method, params, options)
          if (out === undefined) return Effect.succeed(undefined)
          use(out)
          inFlight++
          waiting--
          return Effect.ensuring(
            out.begun,
            Effect.sync(() => {
              inFlight--
              waiting++
            })
          )
        })
      )

    const call = (request: UpstreamCall): Effect.Effect<string, UpstreamCallError> => {
      const { ask, job = false, method, params = "[]" } = request
      const { callMillis, connectMillis, maxWaitingCount, rejoinMillis } = settings()
      const which = { name, method }
      const refusal = refusalOf({ name, method, params }, settings())
      if (refusal !== undefined) return Effect.fail(refusal)
      if (waiting >= maxWaitingCount) return Effect.fail(new UpstreamBusy({ name, limit: maxWaitingCount }))

      let out: Out | undefined
      let waitedFor: UpstreamTimedOut["waitedFor"] = "connection"
      const options: OutOptions = {
        followers,
        onJob: job ? request.onJob : undefined,
        onProgress: job ? request.onProgress : undefined
      }
      const use = (next: Out): void => {
        out?.leave()
        out = next
        waitedFor = "answer"
      }

      /** Until the call has its answer, or is known to be a job. Sent again only where it provably was not carried out. */
      const begin = Effect.gen(function* () {
        const pauses = yield* Schedule.toStep(whileBusy)
        let hasLoggedIn = false
        for (;;) {
          waitedFor = "connection"
          yield* link.connection({ ask })
          waitedFor = "turn"
          const epoch = link.epoch()
          const begun = yield* send(method, params, options, use)
          if (begun === undefined) continue
          if (begun.type === "lost") return yield* unknown(which, null, begun.reason)
          if (begun.type !== "error") return begun
          const decision = decideRetry(begun.error, { mayLogIn: link.mayLogIn(), hasLoggedIn })
          if (decision === "fail") return yield* failed(which, begun.error, null)
          if (decision === "login") {
            hasLoggedIn = true
            yield* link.logInAgain(epoch)
          } else {
            const [, pause] = yield* Effect.orDie(pauses(yield* Clock.currentTimeMillis, undefined))
            yield* Effect.sleep(pause)
          }
        }
      })

      const timeoutMillis = request.timeoutMillis ?? callMillis
      const limited =
        timeoutMillis === 0
          ? begin
          : Effect.timeoutOrElse(begin, {
              duration: timeoutMillis,
              orElse: () => Effect.fail(new UpstreamTimedOut({ ...which, timeoutMillis, waitedFor }))
            })

      return Effect.suspend(() => {
        waiting++
        return limited
      }).pipe(
        Effect.ensuring(Effect.sync(() => void waiting--)),
        Effect.flatMap((begun): Effect.Effect<string, UpstreamCallError> => {
          if (begun.type === "result") return Effect.succeed(begun.result)
          if (!job) return Effect.succeed(String(begun.job))
          return followJob({ which, link, out: out!, rejoinMillis, askMillis: connectMillis }, begun.job)
        }),
        Effect.ensuring(
          Effect.sync(() => {
            out?.leave()
            link.used()
          })
        )
      )
    }

    return { call: (request) => Effect.suspend(() => call(request)), inFlight: () => inFlight, waiting: () => waiting }
  })

const refusalOf = (
  { method, name, params }: { readonly name: string; readonly method: string; readonly params: string },
  { requestBytes }: Settings["upstream"]
): UpstreamBadRequest | UpstreamRequestTooLarge | undefined => {
  const limit = method === FILE_RECEIVE.method ? Math.max(FILE_RECEIVE.bytes, requestBytes) : requestBytes
  const bytes = Buffer.byteLength(method) + Buffer.byteLength(params) + ENVELOPE_BYTES
  if (bytes > limit) return new UpstreamRequestTooLarge({ name, method, bytes, limit })
  const problem = paramsProblem(params)
  return problem === undefined ? undefined : new UpstreamBadRequest({ name, method, problem })
}
