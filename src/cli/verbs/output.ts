import { isatty } from "node:tty"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { isPassing } from "../daemon.ts"
import { refuseToFollowItself } from "../inside.ts"
import { ExitCode } from "../exit.ts"
import { PlainText } from "../render/plain.ts"
import { print, printError, writeAll } from "../stdio.ts"
import { ModeTracker } from "../terminal/modes.ts"
import { SessionStream } from "../terminal/stream.ts"
import { gapText, ticketFor } from "../terminal/ticket.ts"
import { isTagged } from "../report.ts"
import { printText } from "./screen.ts"

export interface OutputOptions {
  readonly session: string
  readonly follow: boolean
  /** First byte; null for the oldest that is kept. */
  readonly since: number | null
  /** The last so many lines; null for all. */
  readonly tail: number | null
  /** Without escape sequences and overwritten text. */
  readonly plain: boolean
}

/** `hob output` */
export const output = async (context: Context, options: OutputOptions): Promise<number> => {
  if (options.plain && !options.follow && options.since === null && (await printPlain(context, options))) {
    return ExitCode.ok
  }
  if (options.follow) await refuseToFollowItself(context, options.session)
  const sink = makeSink(options.plain)
  let since = options.since
  if (options.tail !== null) {
    const tail = await lastLines(context, options.session, options.tail)
    sink.write(tail.data)
    since = tail.next
  }
  if (options.tail === null || options.follow) {
    await pour(context, options.session, { mode: options.follow ? "follow" : "read", since }, sink.write)
  }
  sink.end()
  return ExitCode.ok
}

/** As a terminal shows it; false for a session on pipes, which has none. */
const printPlain = async (context: Context, { session, tail }: OutputOptions): Promise<boolean> => {
  try {
    await printText(context, session, tail)
    return true
  } catch (error) {
    if (isTagged(error, "NoTerminal")) return false
    throw error
  }
}

interface Sink {
  readonly write: (data: Buffer) => void
  readonly end: () => void
}

/** Standard output. A terminal is left as it was found, whatever the output switched on in it. */
const makeSink = (plain: boolean): Sink => {
  if (plain) {
    const text = new PlainText()
    return { write: (data) => print(text.push(data)), end: () => print(text.end()) }
  }
  if (!isatty(1)) return { write: (data) => writeAll(1, data), end: () => {} }
  const modes = new ModeTracker()
  const end = () => writeAll(1, Buffer.from(modes.restore(), "latin1"))
  process.once("SIGINT", () => {
    end()
    process.exit(ExitCode.interrupted)
  })
  const write = (data: Buffer) => {
    modes.push(data)
    writeAll(1, data)
  }
  return { write, end }
}

interface Range {
  readonly mode: "read" | "follow"
  readonly since?: number | null
  readonly tail?: number
}

/** Every byte of the range, once, however often the connection breaks; bytes that are gone are told on standard error. */
export const pour = async (
  context: Context,
  session: string,
  { mode, since = null, tail }: Range,
  write: (data: Buffer) => void,
  onSession?: (session: Session) => void
): Promise<{ readonly next: number | null; readonly began: number | null }> => {
  let began: number | null = null
  const request = ticketFor(context, { session, mode, ...(tail === undefined ? {} : { tail }) }, onSession)
  const stream = new SessionStream((next) => request(next ?? since), isPassing, {
    opened: (frame) => {
      began ??= frame.offset
    },
    output: write,
    gap: (gap) => printError(`hob: ${gapText(gap)}`)
  })
  await stream.run()
  return { next: stream.next, began }
}

const FIRST_TAIL_BYTES = 16 * 1024
const LAST_TAIL_BYTES = 16 * 1024 * 1024

/** The last `count` lines, and the offset after them. Reads backwards, four times as much each time it was not enough. */
const lastLines = async (
  context: Context,
  session: string,
  count: number
): Promise<{ readonly data: Buffer; readonly next: number | null }> => {
  for (let bytes = FIRST_TAIL_BYTES; ; bytes *= 4) {
    const parts: Array<Buffer> = []
    let oldest = 0
    const { began, next } = await pour(
      context,
      session,
      { mode: "read", tail: bytes },
      (data) => void parts.push(data),
      (found) => (oldest = found.output.oldest)
    )
    const data = Buffer.concat(parts)
    const start = lineStart(data, count)
    if (start !== null) return { data: data.subarray(start), next }
    if ((began ?? 0) <= oldest || bytes >= LAST_TAIL_BYTES) return { data, next }
  }
}

/** Where the last `count` lines of `data` begin; null when it has fewer. A last line without its end counts. */
export const lineStart = (data: Buffer, count: number): number | null => {
  if (count === 0) return data.length
  let position = data.length - (data.at(-1) === 10 ? 1 : 0)
  for (let found = 0; position > 0; found++) {
    const end = data.lastIndexOf(10, position - 1)
    if (end < 0) return null
    position = end
    if (found === count - 1) return end + 1
  }
  return null
}
