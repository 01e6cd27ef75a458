/**
 * Golden transcripts: conversations on the native socket, one line of a file for each line of the wire.
 *
 *     {"dir":"in","line":{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}}
 *     {"dir":"out","line":{"jsonrpc":"2.0","id":1,"result":{"pong":true}}}
 *
 * `line` is the JSON value of the line, or its text where it is not JSON as `JSON.stringify` writes it. What differs from run
 * to run has a placeholder: `<id 1>` (the first UUID of the conversation), `<capture 1>`, `<hex>`, `<time>`, `<pid>`, `<home>`, `<version>`, `<node>`, `<fiber>`,
 * `<token>`, `<millis>`. An `in` line may use `<id N>` and `<home>`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"

export interface Entry {
  readonly dir: "in" | "out"
  readonly line: unknown
}

/** What a conversation can't know beforehand. */
export interface Surroundings {
  readonly socket: string
  readonly home: string
  readonly version: string
}

export const readTranscript = (path: string): ReadonlyArray<Entry> =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Entry)

export const writeTranscript = (path: string, entries: ReadonlyArray<Entry>): void =>
  writeFileSync(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""))

/** The value a line stands for, if writing it again gives the very same line. */
const parsed = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value !== "string" && JSON.stringify(value) === text ? value : text
  } catch {
    return text
  }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g
/** Of a capture. Its beginning stands at the end of what it is called where it is saved, before a version. */
const CAPTURE = /(?<=^|capture |capture has the id ")[0-9a-f]{16}(?=$|[ "])/
const CAPTURE_FILE = /[0-9a-f]{8}(?:\/\d{4}-\d\d-\d\dT[\d:.]+Z-[0-9a-f]{8})?(?=\.yaml$)|(?<=-)[0-9a-f]{8}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** How long a lock is held yet, or was waited for, in what the daemon says of it. */
const LOCK_MILLIS = /(?<=^The lock ".*" (?:is held by ".*", for|did not become free within) )\d+(?= ms)/

const NOTHING = /(?!)/

/** Fields whose value belongs to the machine, by name. */
const fieldPlaceholders: Readonly<Record<string, string>> = {
  pid: "<pid>",
  node: "<node>",
  entry: "<entry>",
  ticket: "<token>",
  secret: "<token>",
  expiresInMillis: "<millis>",
  waitedMillis: "<millis>",
  durationMillis: "<millis>",
  fiberId: "<fiber>"
}

class Placeholders {
  readonly #surroundings: Surroundings
  readonly #ids: Array<string> = []
  readonly #captures: Array<string> = []

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  /** A value of the wire with placeholders for what differs. */
  hide(value: unknown, key = ""): unknown {
    if (value !== null && typeof value !== "object" && Object.hasOwn(fieldPlaceholders, key))
      return fieldPlaceholders[key]
    if (Array.isArray(value)) return value.map((item) => this.hide(item))
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.hide(inner, name)]))
    }
    if (typeof value !== "string") return value
    if (TIME.test(value)) return "<time>"
    if (key === "version" && /^[0-9a-f]{8}$/.test(value)) return "<hex>"
    if (key === "version" && value === this.#surroundings.version) return "<version>"
    return value
      .replaceAll(this.#surroundings.home, "<home>")
      .replace(UUID, (id) => `<id ${numberOf(this.#ids, id)}>`)
      .replace(
        key === "id" || key === "capture" || key === "message" ? CAPTURE : NOTHING,
        (id) => `<capture ${numberOf(this.#captures, id)}>`
      )
      .replace(key === "slug" || key === "file" || value.startsWith(".prompts/") ? CAPTURE_FILE : NOTHING, "<hex>")
      .replace(LOCK_MILLIS, "<millis>")
  }

  /** The text of an `in` line with placeholders replaced by what they stand for in this conversation. */
  fill(line: unknown): string {
    const text = typeof line === "string" ? line : JSON.stringify(line)
    return text
      .replaceAll("<home>", this.#surroundings.home)
      .replace(
        /<id (\d+)>/g,
        (_, number: string) => this.#ids[Number(number) - 1] ?? "00000000-0000-4000-8000-000000000000"
      )
      .replace(/<capture (\d+)>/g, (_, number: string) => this.#captures[Number(number) - 1] ?? "0000000000000000")
  }
}

const numberOf = (ids: Array<string>, id: string): number => {
  if (!ids.includes(id)) ids.push(id)
  return ids.indexOf(id) + 1
}

/** A connection that gives lines as they are asked for. */
class Lines {
  readonly #socket: Socket
  readonly #waiting: Array<(line: string | undefined) => void> = []
  readonly #lines: Array<string> = []
  #ended = false

  constructor(path: string) {
    this.#socket = connect(path)
    const reader = createInterface({ input: this.#socket })
    reader.on("line", (line) => this.#give(line))
    reader.on("close", () => this.#end())
    this.#socket.on("error", () => this.#end())
  }

  write(text: string): void {
    this.#socket.write(`${text}\n`)
  }

  /** The next line; undefined when the other side has ended, or when none came within `limitMillis`. */
  async next(limitMillis: number): Promise<string | undefined> {
    if (this.#lines.length > 0) return this.#lines.shift()
    if (this.#ended) return undefined
    return new Promise((resolve) => {
      const give = (line: string | undefined): void => {
        clearTimeout(timer)
        const place = this.#waiting.indexOf(give)
        if (place >= 0) this.#waiting.splice(place, 1)
        resolve(line)
      }
      const timer = setTimeout(() => give(undefined), limitMillis)
      this.#waiting.push(give)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #give(line: string): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#lines.push(line)
    else waiting(line)
  }

  #end(): void {
    this.#ended = true
    for (const waiting of this.#waiting.splice(0)) waiting(undefined)
  }
}

/**
 * Says the `in` lines of a transcript and gives the conversation that comes of it. Replaying, each `out` line is waited
 * for before the next `in` line is said, at most `limitMillis`; what comes beyond them is in the result too.
 */
export const replay = async (
  transcript: ReadonlyArray<Entry>,
  surroundings: Surroundings,
  limitMillis = 60_000
): Promise<ReadonlyArray<Entry>> => {
  const lines = new Lines(surroundings.socket)
  const placeholders = new Placeholders(surroundings)
  const heard: Array<Entry> = []
  const hear = (text: string): void => {
    heard.push({ dir: "out", line: placeholders.hide(parsed(text)) })
  }
  try {
    for (const entry of transcript) {
      if (entry.dir === "in") {
        lines.write(placeholders.fill(entry.line))
        heard.push(entry)
        continue
      }
      const text = await lines.next(limitMillis)
      if (text === undefined) return heard
      hear(text)
    }
    // Answers to this come last, so anything before it was not in the transcript.
    lines.write(END)
    for (
      let text = await lines.next(limitMillis);
      text !== undefined && text !== END_ANSWER;
      text = await lines.next(limitMillis)
    ) {
      hear(text)
    }
    return heard
  } finally {
    lines.close()
  }
}

const END = `{"jsonrpc":"2.0","method":"@effect/rpc/Ping"}`
const END_ANSWER = `{"jsonrpc":"2.0","method":"@effect/rpc/Pong"}`

/** Says the `in` lines and takes down what is answered: everything until nothing has come for a while. For recording only. */
export const record = async (
  transcript: ReadonlyArray<Entry>,
  surroundings: Surroundings,
  quietMillis = 700
): Promise<ReadonlyArray<Entry>> => {
  const lines = new Lines(surroundings.socket)
  const placeholders = new Placeholders(surroundings)
  const heard: Array<Entry> = []
  for (const entry of transcript.filter(({ dir }) => dir === "in")) {
    lines.write(placeholders.fill(entry.line))
    heard.push(entry)
    for (let text = await lines.next(quietMillis); text !== undefined; text = await lines.next(quietMillis)) {
      heard.push({ dir: "out", line: placeholders.hide(parsed(text)) })
    }
  }
  lines.close()
  return heard
}
