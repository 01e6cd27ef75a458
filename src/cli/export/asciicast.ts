import { StringDecoder } from "node:string_decoder"
import { Direction } from "../../protocol/sessionFrames.ts"

/** One piece of a session's log. */
export interface Piece {
  readonly timestampMillis: number
  readonly direction: number
  readonly data: Buffer
}

/** What the first line of a recording says. */
export interface CastHead {
  readonly cols: number
  readonly rows: number
  readonly createdAt: string
  readonly command: ReadonlyArray<string>
  readonly title: string | null
}

/** asciicast's names for what happens. Standard input of a pipe is typed by nobody. */
const codes: ReadonlyMap<number, "o" | "i" | "r"> = new Map([
  [Direction.output, "o"],
  [Direction.stdout, "o"],
  [Direction.stderr, "o"],
  [Direction.input, "i"],
  [Direction.stdin, "i"],
  [Direction.resize, "r"]
])

/**
 * A session's log as an asciicast, version 2 (docs.asciinema.org/manual/asciicast/v2): a head, then one line for each
 * piece: seconds since the beginning, `o` output, `i` input or `r` new size, the text. A character that two pieces share
 * goes with the later one; bytes that are no UTF-8 become U+FFFD, as JSON has no others.
 */
export class Asciicast {
  readonly #head: CastHead
  readonly #decoders = new Map<number, StringDecoder>()
  readonly #startMillis: number
  readonly #endsInReturn = new Set<number>()
  #lastSeconds = 0
  #size: string

  constructor(head: CastHead) {
    this.#head = head
    this.#size = `${head.cols}x${head.rows}`
    this.#startMillis = Date.parse(head.createdAt)
  }

  head(): string {
    const { cols, command, createdAt, rows, title } = this.#head
    return line({
      version: 2,
      width: cols,
      height: rows,
      timestamp: Math.floor(Date.parse(createdAt) / 1000),
      command: command.join(" "),
      ...(title === null ? {} : { title }),
      env: { TERM: "xterm-256color" }
    })
  }

  /** The line of one piece; empty when it holds nothing whole. */
  event(piece: Piece): string {
    const code = codes.get(piece.direction)
    if (code === undefined) return ""
    const text = code === "r" ? this.#newSize(piece) : this.#decode(piece)
    return text === "" ? "" : line([this.#seconds(piece.timestampMillis), code, text])
  }

  /** Empty for the size that it is already: a segment of the log begins with one. */
  #newSize({ data }: Piece): string {
    const size = data.toString("latin1")
    if (size === this.#size) return ""
    return (this.#size = size)
  }

  #decode({ data, direction }: Piece): string {
    let decoder = this.#decoders.get(direction)
    if (decoder === undefined) this.#decoders.set(direction, (decoder = new StringDecoder("utf8")))
    const text = decoder.write(data)
    return direction === Direction.stdout || direction === Direction.stderr ? this.#atTerminal(text, direction) : text
  }

  /** What a pipe's program prints has no carriage returns, which a terminal's driver would have added. */
  #atTerminal(text: string, direction: number): string {
    const isReturned = this.#endsInReturn.has(direction) && text.startsWith("\n")
    if (text !== "") this.#endsInReturn[text.endsWith("\r") ? "add" : "delete"](direction)
    return text.replace(/\r?\n/g, "\r\n").slice(isReturned ? 1 : 0)
  }

  /** A clock that was set back must not make a recording run backwards. */
  #seconds(millis: number): number {
    this.#lastSeconds = Math.max(this.#lastSeconds, (millis - this.#startMillis) / 1000)
    return Math.round(this.#lastSeconds * 1e6) / 1e6
  }
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`
