import { ProgramStatus, readableReport } from "./programStatus.ts"
import type { Agent, Verdict } from "./rules.ts"

/** What a program or an agent says of itself, beside what it shows. */
export type Sign =
  /** OSC 7501: the text behind the number and its semicolon. */
  | { readonly sign: "status"; readonly body: string }
  /** OSC 9;4: 0 none, 1 so many percent, 2 failed, 3 at work, 4 paused. */
  | { readonly sign: "progress"; readonly state: number; readonly percent: number | null }
  /** OSC 133: A and B are around a shell's prompt, C and D around the output of a command. */
  | { readonly sign: "mark"; readonly mark: "A" | "B" | "C" | "D" }
  /** OSC 9, 99 and 777: what it would have shown on the desktop. */
  | { readonly sign: "notification"; readonly text: string }
  | { readonly sign: "bell" }
  /** An agent's own hook, such as Claude's `PermissionRequest`; `detail` is what kind of it. */
  | { readonly sign: "hook"; readonly agent: string; readonly event: string; readonly detail?: string }
  /** The terminal was set back to its beginning. */
  | { readonly sign: "reset" }

const maxText = 300

/** A sign in the history of an explanation. */
export interface SignRecord {
  readonly at: number
  readonly sign: string
  readonly detail: string
}

const describe = (sign: Sign): string => {
  switch (sign.sign) {
    case "status":
      return readableReport(sign.body).slice(0, maxText)
    case "progress":
      return sign.percent === null ? `state ${sign.state}` : `state ${sign.state}, ${sign.percent} %`
    case "mark":
      return `OSC 133;${sign.mark}`
    case "notification":
      return sign.text.slice(0, maxText)
    case "hook":
      return [sign.agent, sign.event, sign.detail].filter(Boolean).join(" ")
    default:
      return ""
  }
}

const maxHistory = 24

/** What has been said until now, as far as it still counts. */
export class Signs {
  readonly status = new ProgramStatus()
  /** Newest last. */
  readonly history: Array<SignRecord> = []
  #progress: Extract<Sign, { sign: "progress" }> | null = null
  /** When it was last said by a hook or a progress that something is being done. */
  toldAt = -Infinity
  /** Whether a shell with marks is at its prompt or runs a command; null when it has none. */
  #shell: "prompt" | "command" | null = null
  #hook: Extract<Sign, { sign: "hook" }> | null = null

  /** True when it may change what the program is about. */
  take(sign: Sign, at: number): boolean {
    if (sign.sign !== "mark") this.#remember({ at, sign: sign.sign, detail: describe(sign) })
    switch (sign.sign) {
      case "status":
        return this.status.report(sign.body)
      case "progress":
        this.#progress = sign.state === 0 ? null : sign
        this.toldAt = at
        return true
      case "mark":
        this.#shell = sign.mark === "C" ? "command" : sign.mark === "D" ? this.#shell : "prompt"
        if (sign.mark === "A") this.programEnded()
        return true
      case "hook":
        this.#hook = sign
        this.toldAt = at
        return true
      case "reset":
        this.status.reset()
        this.#progress = null
        this.#shell = null
        return true
      default:
        return false
    }
  }

  /** Another program has the terminal: what the last one said of itself doesn't count any more. */
  programEnded(): void {
    this.status.programEnded()
    this.#progress = null
    this.#hook = null
  }

  get shell(): "prompt" | "command" | null {
    return this.#shell
  }

  get progress(): Verdict | null {
    if (this.#progress === null || this.#progress.state === 2) return null
    const detail = describe(this.#progress)
    return { state: "working", rule: "progress (OSC 9;4)", detail }
  }

  /** What the last hook says, if it is this agent's and says something. */
  hookOf(agent: Agent): Verdict | null {
    const hook = this.#hook
    if (hook === null || hook.agent !== agent.name) return null
    const state = agent.hooks.get(`${hook.event}:${hook.detail}`) ?? agent.hooks.get(hook.event)
    return state === undefined ? null : { state, rule: `hook ${hook.event}`, detail: describe(hook) }
  }

  #remember(record: SignRecord): void {
    // What repeats itself is one: a bell, a progress that counts.
    const last = this.history.at(-1)
    if (last?.sign === record.sign && (record.sign === "bell" || record.sign === "progress")) this.history.pop()
    this.history.push(record)
    if (this.history.length > maxHistory) this.history.shift()
  }
}
