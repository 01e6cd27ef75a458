/** Answers the calls of devices: so many at once, each once and in time. */
import { Effect, Fiber, FiberSet, type Scope } from "effect"
import type { Cipher } from "./encryption.ts"
import { answer, type During, lateText, type RemoteCall } from "./RemoteCall.ts"
import type { CallMessage } from "./serverMessages.ts"

/** The device waits no longer than 30 s. */
const ANSWER_WITHIN = "25 seconds"

export interface AnsweringOptions {
  readonly cipher: Cipher
  readonly calls: ReadonlyMap<string, RemoteCall>
  /** Of the calls that wait for something, so many at once. */
  readonly maxCalls: number
  readonly during: During
}

/** Gives what is to be done with a call. Calls that wait end with the scope. */
export const makeAnswering = ({
  calls,
  cipher,
  during,
  maxCalls
}: AnsweringOptions): Effect.Effect<(call: CallMessage) => void, never, Scope.Scope> =>
  Effect.map(FiberSet.makeRuntime<never, void, never>(), (fork) => {
    let waiting = 0
    return ({ ack, name, params }) => {
      if (waiting >= maxCalls) return ack(busyText(cipher))
      let isAnswered = false
      const once = (text: string): void => {
        if (!isAnswered) ack(text)
        isAnswered = true
      }
      const rest = answer({ cipher, calls, name, params, during, ack: once })
      if (rest === undefined) return
      waiting++
      const fiber = fork(
        Effect.ensuring(
          rest,
          Effect.sync(() => void waiting--)
        )
      )
      if (fiber.pollUnsafe() !== undefined) return
      const late = Effect.andThen(Effect.sleep(ANSWER_WITHIN), () => {
        once(lateText(cipher, calls.get(name)))
        return Fiber.interrupt(fiber)
      })
      fork(Effect.raceFirst(Effect.asVoid(Fiber.await(fiber)), late))
    }
  })

/** What a device is told that may try again. */
export const busyText = (cipher: Cipher): string => cipher.encrypt({ error: "Too many calls at once; try again." })
