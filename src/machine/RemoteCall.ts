/** A call of a device: what it is called with, and how it is answered. */
import { Cause, Data, Effect, Exit, Option, Result, Schema } from "effect"
import type { StopRequest } from "../actors/Shutdown.ts"
import type { Cipher } from "./encryption.ts"

/** What the device is told instead of a result. An answer and no fault: a stack would cost more than the rest of the call. */
export class CallRefused extends Data.TaggedClass("CallRefused")<{ readonly reason: string }> {}

/** What a call may do beside answering. */
export interface During {
  /** Tells the server that the daemon is about to stop. */
  readonly announceStop: (stop: StopRequest) => Effect.Effect<void>
}

export interface RemoteCall {
  readonly name: string
  /** Where this is an `Exit`, it is answered at once. */
  readonly run: (params: unknown, during: During) => Effect.Effect<object, CallRefused>
  /** Done once a call that was not refused has been answered. */
  readonly afterwards?: Effect.Effect<void>
  /** How a refusal is put, where the device knows one of its own for this call. */
  readonly refused?: (reason: string) => object
}

/** Parameters are of this shape or refused; what was sent is not said back, it may be secret. */
export const remoteCall = <A>(
  name: string,
  params: Schema.Decoder<A>,
  run: (params: A, during: During) => Effect.Effect<object, CallRefused>,
  { afterwards, refused }: Pick<RemoteCall, "afterwards" | "refused"> = {}
): RemoteCall => {
  const decode = Schema.decodeUnknownOption(params)
  return {
    name,
    run: (given, during) => {
      const decoded = decode(given)
      return Option.isSome(decoded)
        ? run(decoded.value, during)
        : Effect.fail(new CallRefused({ reason: `The parameters of ${name} are not of its shape.` }))
    },
    ...(afterwards === undefined ? {} : { afterwards }),
    ...(refused === undefined ? {} : { refused })
  }
}

export interface AnswerOptions {
  readonly cipher: Cipher
  readonly calls: ReadonlyMap<string, RemoteCall>
  readonly name: string
  readonly params: unknown
  readonly during: During
  readonly ack: (answer: string) => void
}

/**
 * Answers one call, encrypted. What can't be decrypted is an error, and so is a failure of the handler: the server knows
 * of neither, it sees texts. What is known at once is answered before this returns: a fiber costs more than such an
 * answer. Gives what remains to be run: a call that waits, or what comes behind the answer.
 */
export const answer = ({
  ack,
  calls,
  cipher,
  during,
  name,
  params
}: AnswerOptions): Effect.Effect<void> | undefined => {
  const call = calls.get(name)
  const refuse = (reason: string): void => ack(refusal(cipher, call, reason))
  if (call === undefined) return void refuse("Method not found")
  if (typeof params !== "string") return void refuse("The parameters are no text.")
  const given = cipher.decrypt(params)
  if (Result.isFailure(given)) {
    const { message } = given.failure
    refuse(`The parameters can't be read. ${message}`)
    return Effect.logWarning(`a call of ${name} was refused: ${message}`)
  }

  const finish = (exit: Exit.Exit<object, CallRefused>): Effect.Effect<void> | undefined => {
    const ended = Exit.isSuccess(exit) ? sealedBy(cipher, exit.value) : exit.cause
    if (typeof ended === "string") {
      ack(ended)
      return call.afterwards
    }
    const refused = ended.reasons.find(Cause.isFailReason)
    // The device is told why; to log it too would cost more than to answer.
    if (refused !== undefined) return void refuse(refused.error.reason)
    refuse("hob has failed; its log says how.")
    return Effect.logError(`a call of ${name} failed`, ended)
  }
  const running = begin(call, given.success, during)
  return isKnown(running)
    ? finish(running)
    : Effect.flatMap(Effect.exit(running), (exit) => finish(exit) ?? Effect.void)
}

/** What a device is told that has waited for too long. */
export const lateText = (cipher: Cipher, call: RemoteCall | undefined): string =>
  refusal(cipher, call, "It takes too long; it may go on all the same.")

const refusal = (cipher: Cipher, call: RemoteCall | undefined, reason: string): string =>
  cipher.encrypt(call?.refused?.(reason) ?? { error: reason })

/** A bug is answered too. */
const begin = (call: RemoteCall, params: unknown, during: During): Effect.Effect<object, CallRefused> => {
  try {
    return call.run(params, during)
  } catch (defect) {
    return Exit.die(defect)
  }
}

const isKnown = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => Exit.isExit(effect)

const sealedBy = (cipher: Cipher, value: object): string | Cause.Cause<never> => {
  try {
    return cipher.encrypt(value)
  } catch (defect) {
    return Cause.die(defect)
  }
}
