import { Clock, Effect, Schedule, type Scope } from "effect"
import { makeLimit } from "../actors/TimeLimits.ts"
import type { Settings } from "../config/settings.ts"
import {
  UpstreamBadRequest,
  UpstreamBusy,
  type UpstreamCallError,
  UpstreamRequestTooLarge,
  type UpstreamTimedOut
} from "../protocol/upstream.ts"
import { paramsProblem } from "./envelope.ts"
import { followJob } from "./followJob.ts"
import { InHand } from "./InHand.ts"
import type { Followers } from "./jobs.ts"
import type { Link } from "./Link.ts"
import { type Begun, Out, type OutOptions } from "./Out.ts"
import { failed, unknown } from "./outcomes.ts"
import { FairSemaphore } from "./FairSemaphore.ts"
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

export const make = ({
  concurrency,
  followers,
  link,
  name,
  settings
}: CallsOptions): Effect.Effect<Calls, never, Scope.Scope> =>
  Effect.gen(function* () {
    const semaphore = new FairSemaphore(concurrency)
    const limit = yield* makeLimit
    let inFlight = 0
    let waiting = 0

    /** Holding a permit, writes the request and waits for its first answer; undefined when nothing was written. */
    const send = (
      one: InHand,
      request: { readonly method: string; readonly params: string },
      options: OutOptions
    ): Effect.Effect<Begun | undefined, UpstreamTimedOut> =>
      Effect.flatMap(one.permit, () =>
        one.wait<Begun | undefined, never>("answer", (done) => {
          const connection = link.current()
          const out =
            connection === undefined
              ? undefined
              : Out.send(connection, request, options, (begun) => {
                  leave()
                  // The next one goes before this one hears: a permit is held no longer than it has to be.
                  one.release()
                  done(Effect.succeed(begun))
                })
          let isOut = out !== undefined
          const leave = (): void => {
            if (isOut) inFlight--
            if (isOut) waiting++
            isOut = false
          }
          if (out === undefined) {
            done(Effect.succeed(undefined))
            return leave
          }
          inFlight++
          waiting--
          one.use(out)
          return leave
        })
      )

    /** Until the call has its answer, or is known to be a job. Sent again only where it provably was not carried out. */
    const begin = Effect.fnUntraced(function* (
      one: InHand,
      { ask, method, params = "[]" }: UpstreamCall,
      options: OutOptions
    ) {
      const which = { upstream: name, method }
      let pauses: Effect.Success<ReturnType<typeof startPauses>> | undefined
      let hasLoggedIn = false
      for (;;) {
        if (link.current() === undefined) yield* one.within("connection", link.connection({ ask }))
        const epoch = link.epoch()
        const begun = yield* send(one, { method, params }, options)
        if (begun === undefined) {
          // Thousands may find so one after the other: none is to run on the stack of the one before.
          yield* Effect.yieldNow
          one.release()
          continue
        }
        if (begun.type === "lost") return yield* unknown(which, null, begun.reason)
        if (begun.type !== "error") return begun
        const decision = decideRetry(begun.error, { mayLogIn: link.mayLogIn(), hasLoggedIn })
        if (decision === "fail") return yield* failed(which, begun.error, null)
        if (decision === "login") {
          hasLoggedIn = true
          yield* one.within("connection", link.logInAgain(epoch))
        } else {
          pauses ??= yield* startPauses()
          const [, pause] = yield* Effect.orDie(pauses(yield* Clock.currentTimeMillis, undefined))
          yield* one.within("permit", Effect.sleep(pause))
        }
      }
    })

    const call = (request: UpstreamCall): Effect.Effect<string, UpstreamCallError> => {
      const { job = false, method, params = "[]" } = request
      const { callMillis, connectMillis, maxWaitingCount, rejoinMillis } = settings()
      const which = { upstream: name, method }
      const refusal = refusalOf({ name, method, params }, settings())
      if (refusal !== undefined) return Effect.fail(refusal)
      if (waiting >= maxWaitingCount) return Effect.fail(new UpstreamBusy({ upstream: name, limit: maxWaitingCount }))
      const one = new InHand({ which, semaphore, limit, timeoutMillis: request.timeoutMillis ?? callMillis })
      const options: OutOptions = {
        followers,
        onJob: job ? request.onJob : undefined,
        onProgress: job ? request.onProgress : undefined
      }
      let isBegun = false
      const counted = (): void => {
        if (!isBegun) waiting--
        isBegun = true
      }
      waiting++
      return begin(one, request, options).pipe(
        Effect.flatMap((begun): Effect.Effect<string, UpstreamCallError> => {
          counted()
          one.begun()
          if (begun.type === "result") return Effect.succeed(begun.result)
          if (!job) return Effect.succeed(String(begun.job))
          return followJob({ which, link, out: one.out!, rejoinMillis, askMillis: connectMillis }, begun.job)
        }),
        Effect.ensuring(
          Effect.sync(() => {
            one.end()
            counted()
            link.used()
          })
        )
      )
    }

    return { call: (request) => Effect.suspend(() => call(request)), inFlight: () => inFlight, waiting: () => waiting }
  })

const startPauses = () => Schedule.toStep(whileBusy)

const refusalOf = (
  { method, name, params }: { readonly name: string; readonly method: string; readonly params: string },
  { requestBytes }: Settings["upstream"]
): UpstreamBadRequest | UpstreamRequestTooLarge | undefined => {
  const limit = method === FILE_RECEIVE.method ? Math.max(FILE_RECEIVE.bytes, requestBytes) : requestBytes
  const bytes = Buffer.byteLength(method) + Buffer.byteLength(params) + ENVELOPE_BYTES
  if (bytes > limit) return new UpstreamRequestTooLarge({ upstream: name, method, bytes, limit })
  const problem = paramsProblem(params)
  return problem === undefined ? undefined : new UpstreamBadRequest({ upstream: name, method, problem })
}
