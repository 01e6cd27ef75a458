/** A call of a device: what it is called with, and how it is answered. */
import { Data, Effect, Option, Result, Schema } from "effect"
import type { StopRequest } from "../actors/Shutdown.ts"
import type { Cipher } from "./encryption.ts"

/** What the device is told instead of a result. */
export class CallRefused extends Data.TaggedError("CallRefused")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

/** What a call may do beside answering. */
export interface During {
  /** Tells the server that the daemon is about to stop. */
  readonly announceStop: (stop: StopRequest) => Effect.Effect<void>
}

export interface RemoteCall {
  readonly name: string
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
    run: (given, during) =>
      Option.match(decode(given), {
        onNone: () => Effect.fail(new CallRefused({ reason: `The parameters of ${name} are not of its shape.` })),
        onSome: (params) => run(params, during)
      }),
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
 * of neither, it sees texts.
 */
export const answer = ({ ack, calls, name, ...options }: AnswerOptions): Effect.Effect<void> => {
  const call = calls.get(name)
  let isRefused = false
  const said = answerText(call, name, { ...options, onRefused: () => void (isRefused = true) })
  return Effect.flatMap(said, (text) => {
    ack(text)
    return isRefused ? Effect.void : (call?.afterwards ?? Effect.void)
  })
}

/** What a device is told that has waited for too long. */
export const lateText = (cipher: Cipher, call: RemoteCall | undefined): string => {
  const reason = "It takes too long; it may go on all the same."
  return cipher.encrypt(call?.refused?.(reason) ?? { error: reason })
}

interface TextOptions extends Pick<AnswerOptions, "cipher" | "params" | "during"> {
  readonly onRefused: () => void
}

const answerText = (
  call: RemoteCall | undefined,
  name: string,
  { cipher, during, onRefused, params }: TextOptions
): Effect.Effect<string> => {
  const refuse = (reason: string) => {
    onRefused()
    return cipher.encrypt(call?.refused?.(reason) ?? { error: reason })
  }
  if (call === undefined) return Effect.sync(() => refuse("Method not found"))
  const given = typeof params === "string" ? cipher.decrypt(params) : undefined
  if (given === undefined) return Effect.sync(() => refuse("The parameters are no text."))
  if (Result.isFailure(given)) {
    const { message } = given.failure
    return Effect.map(Effect.logWarning(`a call of ${name} was refused: ${message}`), () =>
      refuse(`The parameters can't be read. ${message}`)
    )
  }
  return call.run(given.success, during).pipe(
    Effect.map((result) => cipher.encrypt(result)),
    Effect.catchTag("CallRefused", ({ reason }) =>
      Effect.map(Effect.logDebug(`a call of ${name} was refused`), () => refuse(reason))
    ),
    Effect.catchCause((cause) =>
      Effect.map(Effect.logError(`a call of ${name} failed`, cause), () => refuse("hob has failed; its log says how."))
    )
  )
}
