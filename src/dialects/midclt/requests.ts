/** Answers the requests of midclt's clients with one of hob's upstreams. */
import { Effect } from "effect"
import type { JobProgress } from "../../protocol/upstream.ts"
import type { Upstreams } from "../../upstream/Upstreams.ts"
import { MOST_MILLIS, type Request, type Timeout } from "./messages.ts"
import * as translate from "./translate.ts"

export interface RequestsOptions {
  readonly upstreams: Upstreams["Service"]
  /** Of the upstream. */
  readonly name: string
  readonly shutDown: (reason: string) => Effect.Effect<void>
  /** For what goes on when its caller has its answer. */
  readonly fork: (effect: Effect.Effect<void>) => unknown
}

type Call = Extract<Request, { command: "call" }>

/** How long a call may take that nobody waits for. */
const NO_LIMIT = 0

/** The last line of the answer; what goes before it is told by `onProgress`. */
export const makeRequests = ({ fork, name, shutDown, upstreams }: RequestsOptions) => {
  const ping = (timeout: Timeout): Effect.Effect<string> => {
    if (timeout === 0) return Effect.succeed(translate.pingTimeout)
    // A ping has always an end: as late as a timer can have it.
    return upstreams
      .ping(name, millisOf(timeout) || MOST_MILLIS)
      .pipe(Effect.match({ onFailure: translate.pingFailure, onSuccess: () => translate.pong }))
  }

  const send = (call: Call, job: boolean, onProgress?: (progress: JobProgress) => void) =>
    upstreams
      .call({ name, method: call.method, params: call.params, timeoutMillis: millisOf(call.timeout), job, onProgress })
      .pipe(Effect.match({ onFailure: translate.failure, onSuccess: translate.result }))

  const call = (request: Call, onProgress: (progress: JobProgress) => void): Effect.Effect<string> => {
    const { job, timeout, unheard } = request
    if (timeout === 0) return Effect.succeed(translate.timedOut)
    if (unheard === "background" || job === "return") {
      // What it would get can't be sent.
      fork(Effect.asVoid(send(request, job !== "no")))
      return Effect.succeed(translate.notSerializable(unheard === "background" ? "Call" : "Job"))
    }
    if (unheard === "no") return send(request, job === "wait", job === "wait" ? onProgress : undefined)
    return Effect.andThen(send(request, false), Effect.never).pipe(
      timeout === "never"
        ? (waiting) => waiting
        : Effect.timeoutOrElse({
            duration: timeout === "default" ? "60 seconds" : timeout,
            orElse: () => Effect.succeed(translate.timedOut)
          })
    )
  }

  return (request: Request, onProgress: (progress: JobProgress) => void): Effect.Effect<string> => {
    switch (request.command) {
      case "ping":
        return ping(request.timeout)
      case "call":
        return call(request, onProgress)
      case "stop":
        return Effect.as(shutDown("a client asked it to stop"), translate.shuttingDown)
    }
  }
}

const millisOf = (timeout: Timeout): number | undefined =>
  timeout === "default" ? undefined : timeout === "never" ? NO_LIMIT : timeout
