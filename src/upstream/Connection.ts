import { Deferred, Effect, type Scope } from "effect"
import { randomBytes } from "node:crypto"
import { clocks } from "../actors/monotonic.ts"
import type { Settings } from "../config/settings.ts"
import type { RpcError } from "./envelope.ts"
import { type Answer, Requests, requestText } from "./Requests.ts"
import type { Target } from "./target.ts"
import { Lost, open as openWire } from "./Wire.ts"

/** A request that was written. */
export interface Sent {
  readonly id: string
  /** Nobody waits for it any more. */
  readonly forget: () => void
}

/** A connection to an upstream, and what is out on it. Whether it is logged in is its owner's to know. */
export interface Connection {
  /** Writes a request; undefined when the connection is gone, and nothing was written. */
  readonly send: (method: string, params: string, answer: (answer: Answer) => void) => Sent | undefined
  /** A request of hob's own: its result, or what it was answered instead. */
  readonly ask: (method: string, params: string, timeoutMillis: number) => Effect.Effect<string, RpcError | Lost>
  /** Fails when it is lost, with the reason. */
  readonly lost: Effect.Effect<never, Lost>
  readonly isLost: () => boolean
  readonly drop: (reason: string) => void
  /** Asks for a sign of life. */
  readonly ping: () => void
  /** When something last came from it, on the monotonic clock. */
  readonly heardAt: () => number
}

export interface ConnectionOptions {
  readonly target: Target
  readonly insecure: boolean
  readonly ca: string | null
  readonly settings: Settings["upstream"]
  readonly notify: (method: string, params: string) => void
}

/** Connects, within `upstream.connectMillis`. */
export const connect = (options: ConnectionOptions): Effect.Effect<Connection, Lost, Scope.Scope> =>
  Effect.gen(function* () {
    const { notify, settings } = options
    const { connectMillis } = settings
    const requests = new Requests(`hob-${randomBytes(9).toString("base64url")}`)
    const ended = yield* Deferred.make<never, Lost>()
    const { monotonic: now } = yield* clocks
    let isLost = false
    let heardAt = now()

    const wire = yield* openWire({
      target: options.target,
      insecure: options.insecure,
      ca: options.ca,
      maxBytes: settings.resultBytes,
      onHeard: () => void (heardAt = now()),
      onText: (text) => {
        const problem = requests.receive(text, notify)
        if (problem !== undefined) wire.drop(problem)
      },
      onLost: (reason) => {
        isLost = true
        requests.lose(reason)
        Deferred.doneUnsafe(ended, Effect.fail(new Lost(reason)))
      }
    }).pipe(
      Effect.timeoutOrElse({
        duration: connectMillis,
        orElse: () => Effect.fail(new Lost(`it did not take the connection within ${connectMillis} ms`))
      })
    )

    const send: Connection["send"] = (method, params, answer) => {
      const id = requests.nextId()
      const isSent = requests.send(wire, id, requestText(id, method, params), answer)
      return isSent ? { id, forget: () => requests.forget(id) } : undefined
    }

    return {
      send,
      ask: (method, params, timeoutMillis) =>
        Effect.callback<string, RpcError | Lost>((resume) => {
          const sent = send(method, params, (answer) => {
            if (answer.type === "result") resume(Effect.succeed(answer.result))
            else resume(Effect.fail(answer.type === "error" ? answer.error : new Lost(answer.reason)))
          })
          if (sent === undefined) return resume(Effect.fail(new Lost("the connection was lost")))
          return Effect.sync(sent.forget)
        }).pipe(
          Effect.timeoutOrElse({
            duration: timeoutMillis,
            orElse: () => Effect.fail(new Lost(`it did not answer ${method} within ${timeoutMillis} ms`))
          })
        ),
      lost: Deferred.await(ended),
      isLost: () => isLost,
      drop: wire.drop,
      ping: wire.ping,
      heardAt: () => heardAt
    }
  })

/** The answer of a method that is a job waits for the job's end; neither errors nor methods are those of insiders. */
const OPTIONS = JSON.stringify([{ legacy_jobs: false, private_methods: false, py_exceptions: false }])

export const setOptions = (connection: Connection, timeoutMillis: number): Effect.Effect<void, Lost> =>
  connection.ask("core.set_options", OPTIONS, timeoutMillis).pipe(
    Effect.asVoid,
    Effect.catch((error) =>
      Effect.fail(
        error instanceof Lost
          ? error
          : new Lost(`it does not take the options of hob (${error.reason}): that needs TrueNAS 25.04 or later`)
      )
    )
  )
