import { readSync } from "node:fs"
import { ConnectionLost } from "../../client/wire/bare.ts"
import type { Screen } from "../../protocol/screens.ts"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { isTagged } from "../report.ts"
import { ExitCode, Fault } from "../exit.ts"
import { dependsOnMode, keyBytes } from "../keys.ts"

export interface SendOptions {
  readonly session: string
  /** Typed with one space between, and nothing after. */
  readonly text: ReadonlyArray<string>
  /** Names of keys, typed after the text. */
  readonly keys: ReadonlyArray<string>
  /** Types what stands on standard input, to its end. */
  readonly stdin: boolean
  /** The program meets the end of its input after all this. */
  readonly eof: boolean
}

/** Small enough that a program which reads slowly holds up little, large enough for speed. */
const PIECE_BYTES = 64 * 1024

/** A single `-` instead of text. */
export const isStdin = (text: ReadonlyArray<string>): boolean => text.length === 1 && text[0] === "-"

/** `hob send` */
export const send = async (context: Context, options: SendOptions): Promise<number> => {
  const ending = options.keys.some(isEnter) ? await lineEnding(context, options.session) : CR
  const application = options.keys.some(dependsOnMode) && (await hasApplicationCursorKeys(context, options.session))
  const keys = options.keys.map((name) => {
    const bytes = isEnter(name) ? ending : keyBytes(name, application)
    if (bytes !== undefined) return bytes
    throw new Fault(
      ExitCode.usage,
      `"${name}" is not a key.`,
      "Keys are single characters and Enter, Tab, Space, Escape, BSpace, Delete, Up, Down, Left, Right, Home, End, PageUp, PageDown, F1 to F12, with C-, M- or S- in front."
    )
  })
  if (!options.stdin && options.text.length === 0 && keys.length === 0 && !options.eof) {
    throw new Fault(ExitCode.usage, "Nothing to send.", "Give text, `--key NAME…`, `--eof`, or `-` for standard input.")
  }
  const data = Buffer.concat([Buffer.from(options.text.join(" "), "utf8"), ...keys])
  if (options.stdin) await sendStdin(context, options.session)
  if (data.length > 0 || options.eof) await sendBytes(context, options.session, data, options.eof)
  return ExitCode.ok
}

const CR = Buffer.from("\r")
const isEnter = (key: string): boolean => /^(?:enter|return)$/i.test(key)

/** What Enter is to the program: a terminal makes a line feed of what the key sends, on pipes nobody does. */
const lineEnding = async (context: Context, session: string): Promise<Buffer> => {
  const { kind } = await call<Session>(context, "sessions.show", { session })
  return kind === "pipe" ? Buffer.from("\n") : CR
}

/** A terminal sends cursor keys as the program last asked for them; where nobody knows, as at the beginning. */
const hasApplicationCursorKeys = async (context: Context, session: string): Promise<boolean> => {
  try {
    const { modes } = await call<Screen>(context, "sessions.screen", { session })
    return modes["applicationCursorKeys"] === true
  } catch (error) {
    if (isTagged(error, "NoTerminal") || isTagged(error, "SessionHostUnavailable")) return false
    throw error
  }
}

const sendBytes = async (context: Context, session: string, data: Buffer, endInput = false): Promise<void> => {
  await call(context, "sessions.send", { session, data: data.toString("base64"), ...(endInput ? { endInput } : {}) })
}

/** Sent again it could be typed twice: what is known is said, and the rest is left to who sends. */
const notKnown = ({ message }: ConnectionLost, typed: number, length: number): Fault =>
  new Fault(
    ExitCode.failure,
    `The daemon went away: ${message}. The first ${typed} bytes were typed; whether the next ${length} were is not known.`,
    "See for yourself before you send them again; `hob logs` may tell why."
  )

/** Piece by piece; while the session's input queue is full it waits for the program to read. */
const sendStdin = async (context: Context, session: string): Promise<void> => {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  for (let typed = 0; ;) {
    const length = await readStdin(buffer)
    if (length === 0) return
    for (let pause = 10; ; pause = Math.min(pause * 2, 500)) {
      try {
        await sendBytes(context, session, buffer.subarray(0, length))
        typed += length
        break
      } catch (error) {
        if (error instanceof ConnectionLost) throw notKnown(error, typed, length)
        if (!isTagged(error, "InputQueueFull")) throw error
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }
}

const readStdin = async (buffer: Buffer): Promise<number> => {
  for (;;) {
    try {
      return readSync(0, buffer)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === "EOF") return 0
      if (code !== "EAGAIN") throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
