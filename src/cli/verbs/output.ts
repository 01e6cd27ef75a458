import { isatty } from "node:tty"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { isPassing } from "../daemon.ts"
import { refuseToFollowItself } from "../inside.ts"
import { ExitCode } from "../exit.ts"
import { PlainText } from "../render/plain.ts"
import type { PlainView as PlainViewType } from "../render/PlainView.ts"
import { print, printError, writeAll } from "../stdio.ts"
import { ModeTracker } from "../terminal/modes.ts"
import { type Size, SessionStream } from "../terminal/stream.ts"
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
  const sink = options.plain ? await plainSink() : rawSink()
  let since = options.since
  if (options.tail !== null) {
    const tail = await lastLines(context, options.session, options.tail, sink.size)
    sink.write(tail.data)
    since = tail.next
  }
  if (options.tail === null || options.follow) {
    const range = { mode: options.follow ? "follow" : "read", since } as const
    await pour(context, options.session, range, sink.write, { size: sink.size })
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

type OnSize = (size: Size, session: Session) => void

interface Sink {
  readonly size: OnSize
  readonly write: (data: Buffer) => void
  readonly end: () => void
}

/** As a terminal shows it, line by line; of a session on pipes, which has none, its lines. */
const plainSink = async (): Promise<Sink> => {
  // Loaded here: the other commands have no use for an emulator.
  const { PlainView } = await import("../render/PlainView.ts")
  const pipes = new PlainText()
  let view: PlainViewType | undefined
  return {
    size: (size, { kind }) => {
      if (kind === "pipe") return
      if (view === undefined) view = new PlainView(size, print)
      else view.resize(size)
    },
    write: (data) => (view === undefined ? print(pipes.push(data)) : view.push(data)),
    end: () => (view === undefined ? print(pipes.end()) : view.end())
  }
}

/** Standard output. A terminal is left as it was found, whatever the output switched on in it. */
const rawSink = (): Sink => {
  const size = () => {}
  if (!isatty(1)) return { size, write: (data) => writeAll(1, data), end: () => {} }
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
  return { size, write, end }
}

interface Range {
  readonly mode: "read" | "follow"
  readonly since?: number | null
  readonly tail?: number
}

interface Told {
  /** The session that was found. */
  readonly session?: (session: Session) => void
  /** Its terminal's size at the first byte, and each other from there on. */
  readonly size?: OnSize
}

/** Every byte of the range, once, however often the connection breaks; bytes that are gone are told on standard error. */
export const pour = async (
  context: Context,
  session: string,
  { mode, since = null, tail }: Range,
  write: (data: Buffer) => void,
  told: Told = {}
): Promise<{ readonly next: number | null; readonly began: number | null }> => {
  let began: number | null = null
  let found: Session
  const request = ticketFor(context, { session, mode, ...(tail === undefined ? {} : { tail }) }, (it) => {
    found = it
    told.session?.(it)
  })
  const stream = new SessionStream((next) => request(next ?? since), isPassing, {
    opened: (frame) => {
      began ??= frame.offset
      told.size?.(frame.size ?? found, found)
    },
    resized: (size) => told.size?.(size, found),
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
  count: number,
  onSize: OnSize
): Promise<{ readonly data: Buffer; readonly next: number | null }> => {
  for (let bytes = FIRST_TAIL_BYTES; ; bytes *= 4) {
    const parts: Array<Buffer> = []
    let oldest = 0
    let size: Size | undefined
    let found: Session
    const { began, next } = await pour(
      context,
      session,
      { mode: "read", tail: bytes },
      (data) => void parts.push(data),
      {
        session: (session) => {
          found = session
          oldest = session.output.oldest
        },
        size: (now) => (size = now)
      }
    )
    const data = Buffer.concat(parts)
    const start = lineStart(data, count)
    const isWhole = (began ?? 0) <= oldest || bytes >= LAST_TAIL_BYTES
    if (size !== undefined && (start !== null || isWhole)) onSize(size, found!)
    if (start !== null) return { data: data.subarray(start), next }
    if (isWhole) return { data, next }
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
