import type { Verdict } from "./rules.ts"

/**
 * The Program Status Protocol, OSC 7501: a program tells its terminal what it is about, in records.
 * `ESC ] 7501 ; state=blocked:kind=permission:app=NAME:id=PATH:msg=BASE64 ESC \`. A report replaces the record of its id
 * whole; `clear` removes it and what is below it, or without an id everything. The query `?` is answered by the terminal.
 */
export interface StatusRecord {
  readonly state: "idle" | "working" | "done" | "blocked" | "error"
  readonly app: string | null
  readonly kind: string | null
  readonly message: string | null
}

const maxRecords = 64
const maxBody = 4096
const states = new Set(["idle", "working", "done", "blocked", "error"])
const idPattern = /^[A-Za-z0-9_.+-]{1,32}(\/[A-Za-z0-9_.+-]{1,32}){0,7}$/

/** Printable text of a base64 field; null when it isn't. */
const decode = (encoded: string | undefined): string | null => {
  if (encoded === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null
  const text = Buffer.from(encoded, "base64").toString("utf8")
  // oxlint-disable-next-line no-control-regex
  return /[\u0000-\u001f\u007f-\u009f\ufffd]/.test(text) ? null : text.slice(0, 200)
}

/** A report for people: `working:app=x:msg=Compiling`. */
export const readableReport = (body: string): string =>
  body
    .split(":")
    .map((part) => {
      const [, name, encoded] = /^(msg|title)=(.*)$/.exec(part) ?? []
      return name === undefined ? part : `${name}=${decode(encoded) ?? "…"}`
    })
    .join(":")

/** Every record that the programs of one terminal have reported. */
export class ProgramStatus {
  /** The program's own record has the id "". */
  readonly #records = new Map<string, StatusRecord>()

  /** Takes the text behind `7501;`. True when it was a report that says something. */
  report(body: string): boolean {
    if (body.length > maxBody) return false
    const fields = new Map<string, string>()
    for (const part of body.split(":")) {
      const equals = part.indexOf("=")
      if (equals > 0) fields.set(part.slice(0, equals), part.slice(equals + 1))
    }
    const state = fields.get("state") ?? ""
    const id = fields.get("id") ?? ""
    if (fields.has("id") && !idPattern.test(id)) return false
    if (state === "clear") return this.#clear(id)
    if (!states.has(state)) return false
    const app = fields.get("app")
    this.#records.delete(id)
    if (this.#records.size >= maxRecords) this.#records.delete(this.#records.keys().next().value!)
    this.#records.set(id, {
      state: state as StatusRecord["state"],
      app: app !== undefined && /^[A-Za-z0-9_.+-]{1,32}$/.test(app) ? app : null,
      kind: fields.get("kind") ?? null,
      message: decode(fields.get("msg"))
    })
    return true
  }

  /** The program has ended, or the shell's prompt is back: what it was about is over, what it came to stays. */
  programEnded(): void {
    for (const [id, { state }] of this.#records) if (state !== "done" && state !== "error") this.#records.delete(id)
  }

  /** The name of the program that reported last, as it gave it. */
  get app(): string | null {
    return [...this.#records.values()].findLast(({ app }) => app !== null)?.app ?? null
  }

  /** What the records say together: whoever is blocked on the user first, then who works. */
  get verdict(): Verdict | null {
    const root = this.#records.get("")
    const all = [...this.#records.values()]
    const blocked = all.find(({ state }) => state === "blocked")
    const told = blocked ?? all.find(({ state }) => state === "working") ?? root ?? all.at(-1)
    if (told === undefined) return null
    const state = told.state === "blocked" ? "waiting" : told.state === "working" ? "working" : "idle"
    const more = [told.kind, told.message].filter((text) => text !== null).join(": ")
    const detail = `it reports ${told.state}${more === "" ? "" : ` (${more})`}`
    return { state, rule: "program status (OSC 7501)", detail }
  }

  reset(): void {
    this.#records.clear()
  }

  #clear(id: string): boolean {
    if (id === "") {
      const had = this.#records.size > 0
      this.#records.clear()
      return had
    }
    let had = false
    for (const key of this.#records.keys()) {
      if (key === id || key.startsWith(`${id}/`)) had = this.#records.delete(key) || had
    }
    return had
  }
}
