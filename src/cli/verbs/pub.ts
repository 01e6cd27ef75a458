import { type BareClient, ConnectionLost, JsonText } from "../../client/wire/bare.ts"
import { RpcErrorCode } from "../../protocol/errors.ts"
import type { Context } from "../context.ts"
import { open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { type MessageForm, messageJson } from "../messages.ts"
import { isTagged, toFault } from "../report.ts"
import { printError, printLine } from "../stdio.ts"
import { stdinLines } from "../stdinLines.ts"

export interface PubOptions {
  readonly channel: string
  /** Null publishes `null`: that something has happened, and no more. `-` is each line of standard input. */
  readonly message: string | null
  readonly form: MessageForm
  readonly namespace: string | null
  /** Prints what the daemon answers, a line for each message. */
  readonly json: boolean
}

/** Messages without an answer, and their characters: beyond that nothing is read. */
const MOST_IN_FLIGHT = 256
const MOST_UNITS_IN_FLIGHT = 1024 * 1024

/** `hob pub` */
export const pub = async (context: Context, options: PubOptions): Promise<number> => {
  const { form, message } = options
  const json = message === null || message === "-" ? "null" : messageJson(message, form)
  const client = await open(context)
  try {
    const publish = publisher(client, options)
    if (message === "-") return await pubLines(publish, options)
    const answer = await publish(json).catch((error: unknown) => {
      throw faultOf(error)
    })
    if (options.json) printLine(JSON.stringify(answer))
    return ExitCode.ok
  } finally {
    client.close()
  }
}

type Publisher = (json: string) => Promise<unknown>

const publisher = (client: BareClient, { channel, namespace }: PubOptions): Publisher => {
  const where = JSON.stringify(namespace === null ? { channel } : { namespace, channel }).slice(0, -1)
  return (json) => client.call("channels.publish", new JsonText(`${where},"message":${json}}`))
}

/** What has become of a line. */
interface Sent {
  readonly line: number
  readonly units: number
  readonly outcome: Promise<{ readonly answer: unknown } | { readonly error: unknown }>
}

/** One after another, many under way at once. A line that is no message is told and the others go on; all else ends it. */
const pubLines = async (publish: Publisher, { form, json }: PubOptions): Promise<number> => {
  const inFlight: Array<Sent> = []
  let units = 0
  let code: number = ExitCode.ok
  const isFull = () => inFlight.length > MOST_IN_FLIGHT || units > MOST_UNITS_IN_FLIGHT
  const settle = async ({ line, outcome, ...sent }: Sent): Promise<void> => {
    units -= sent.units
    const settled = await outcome
    if ("answer" in settled) {
      if (json) printLine(JSON.stringify(settled.answer))
      return
    }
    const { exitCode, hint, message } = faultOf(settled.error)
    const isOnlyThis = settled.error instanceof Fault || isTagged(settled.error, "MessageTooLarge")
    if (!isOnlyThis) {
      const isUnknown = settled.error instanceof ConnectionLost && !isTooLong(settled.error)
      const after = isUnknown ? " Whether it was published is not known." : ""
      throw new Fault(exitCode, `Line ${line} and those behind it: ${message}${after}`, hint)
    }
    printError(`hob: Line ${line}: ${message}`)
    code = ExitCode.failure
  }
  let line = 0
  for await (const text of stdinLines()) {
    inFlight.push({ line: ++line, units: text?.length ?? 0, outcome: outcomeOf(publish, text, form) })
    units += text?.length ?? 0
    while (isFull()) await settle(inFlight.shift()!)
  }
  for (const sent of inFlight) await settle(sent)
  return code
}

const outcomeOf = async (publish: Publisher, text: string | null, form: MessageForm) => {
  try {
    if (text === null) throw new Fault(ExitCode.usage, "It is not UTF-8.")
    return { answer: await publish(messageJson(text, form)) }
  } catch (error) {
    return { error }
  }
}

/** The daemon has hung up over it: it can't tell where the next request begins. */
const isTooLong = (error: unknown): error is ConnectionLost =>
  error instanceof ConnectionLost && error.code === RpcErrorCode.lineTooLong

/** There is no other way in for what is too long here. */
const faultOf = (error: unknown): Fault =>
  isTooLong(error)
    ? new Fault(ExitCode.failure, error.message, "Put what is large into a file and publish its name.")
    : toFault(error)
