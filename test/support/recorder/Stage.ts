import { StringDecoder } from "node:string_decoder"
import { basename } from "node:path"
import { setTimeout as after } from "node:timers/promises"
import headless from "@xterm/headless"
import type { Foreground } from "../../../src/activity/foreground.ts"
import type { ActivityState } from "../../../src/protocol/activity.ts"
import { readForeground } from "../../../src/screens/foreground.ts"
import { preflight } from "../../../src/sessionhost/preflight.ts"
import type { Program } from "../../../src/sessionhost/program.ts"
import { startPty } from "../../../src/sessionhost/pty.ts"
import type { Label, Recorded, Recording } from "./Recording.ts"

export interface StageOptions {
  readonly name: string
  readonly about: string
  readonly version: string
  readonly command: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly cols: number
  readonly rows: number
}

const keys = {
  enter: "\r",
  escape: "\u001b",
  up: "\u001b[A",
  down: "\u001b[B",
  tab: "\t",
  "ctrl-c": "\u0003",
  "ctrl-d": "\u0004",
  "ctrl-b": "\u0002"
} as const

export type Key = keyof typeof keys

const foregroundMillis = 200
/** Pieces of output that come this close together are one event. */
const joinMillis = 8
/** How often somebody who types looks at the screen. */
const lookMillis = 50

/** Numbers that are the same at each recording, names without directories. */
const anonymous = (foreground: Foreground | null, session: number): Foreground | null =>
  foreground && {
    own: foreground.own,
    processes: foreground.processes.map((process, index) => ({
      ...process,
      pid: process.pid === session ? 1 : 100 + index,
      argv: process.argv.slice(0, 3).map((argument) => (argument.startsWith("/") ? basename(argument) : argument))
    }))
  }

/** A program under a terminal, somebody who types, and a record of both. */
export class Stage {
  readonly #options: StageOptions
  readonly #terminal: headless.Terminal
  readonly #decoder = new StringDecoder("utf8")
  readonly #events: Array<Recorded> = []
  readonly #labels: Array<Label> = []
  readonly #began = performance.now()
  #program!: Program
  #watch: NodeJS.Timeout | undefined
  #lastForeground = ""
  ended = false

  private constructor(options: StageOptions) {
    this.#options = options
    this.#terminal = new headless.Terminal({ cols: options.cols, rows: options.rows, allowProposedApi: true })
  }

  static async open(options: StageOptions): Promise<Stage> {
    const stage = new Stage(options)
    const { command, cwd, env, cols, rows } = options
    const file = await preflight(command, cwd, env)
    stage.#program = startPty(
      { file, args: command.slice(1), cwd, env, cols, rows, inputQueueBytes: 1 << 20 },
      {
        output: (_direction, chunk) => stage.#output(chunk),
        exited: () => (stage.ended = true),
        closed: () => {},
        inputDrained: () => {}
      }
    )
    stage.#terminal.onData((answer) => stage.#program.write(Buffer.from(answer, "utf8")))
    stage.#answerQuestions()
    stage.#watch = setInterval(() => stage.#lookForeground(), foregroundMillis)
    return stage
  }

  get seconds(): number {
    return Math.round(performance.now() - this.#began) / 1000
  }

  /** The rendered screen. */
  get text(): string {
    const buffer = this.#terminal.buffer.active
    const rows = Array.from({ length: this.#terminal.rows }, (_, row) =>
      (buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? "").trimEnd()
    )
    return rows.join("\n")
  }

  /** From now on, or from `ago` milliseconds before, the program is `state`. */
  label(state: ActivityState, why: string): void {
    this.#labels.push({ at: this.seconds, state, why })
  }

  type(text: string): void {
    this.#program.write(Buffer.from(text, "utf8"))
  }

  press(...names: ReadonlyArray<Key>): void {
    for (const name of names) this.type(keys[name])
  }

  /** Types a line as a person would, then Enter. */
  async enter(text: string): Promise<void> {
    this.type(text)
    await after(400)
    this.press("enter")
  }

  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows)
    this.#program.resize(cols, rows)
    this.#events.push([this.seconds, "r", `${cols}x${rows}`])
  }

  sign(agent: string, event: string, detail?: string): void {
    this.#events.push([this.seconds, "s", detail === undefined ? { agent, event } : { agent, event, detail }])
  }

  /** Until the screen shows it; throws with the screen when it doesn't come. */
  async until(shown: RegExp | ((text: string) => boolean), seconds = 40): Promise<void> {
    const test = typeof shown === "function" ? shown : (text: string) => shown.test(text)
    const deadline = performance.now() + seconds * 1000
    while (!test(this.text)) {
      if (performance.now() > deadline || this.ended) {
        throw new Error(
          `${this.#options.name}: ${String(shown)} ${this.ended ? "before it ended" : "in time"}:\n${this.text}`
        )
      }
      await after(lookMillis)
    }
  }

  stay(seconds: number): Promise<void> {
    return after(seconds * 1000)
  }

  /** Ends the program, and gives what was recorded until now. */
  async close(): Promise<Recording> {
    const seconds = this.seconds
    clearInterval(this.#watch)
    const { name, about, version, cols, rows, command } = this.#options
    const events = this.#events.filter(([time]) => time <= seconds)
    this.#program.signalAll("SIGHUP")
    await after(300)
    this.#program.signalAll("SIGKILL")
    for (let waited = 0; !this.ended && waited < 5000; waited += 20) await after(20)
    const shown = [basename(command[0]!), ...command.slice(1)]
    return { name, command: shown, version, about, cols, rows, seconds, labels: this.#labels, events }
  }

  #output(chunk: Buffer): void {
    const text = this.#decoder.write(chunk)
    const last = this.#events.at(-1)
    const now = this.seconds
    if (last?.[1] === "o" && now - last[0] < joinMillis / 1000) {
      this.#events[this.#events.length - 1] = [last[0], "o", last[2] + text]
    } else this.#events.push([now, "o", text])
    this.#terminal.write(text)
  }

  #lookForeground(): void {
    const foreground = anonymous(readForeground(this.#program.pid), this.#program.pid)
    const text = JSON.stringify(foreground)
    if (text === this.#lastForeground) return
    this.#lastForeground = text
    this.#events.push([this.seconds, "f", foreground])
  }

  /** What the headless terminal leaves unanswered and agents ask for at their start: colours, and who reads OSC 7501. */
  #answerQuestions(): void {
    const colours: Record<number, string> = { 10: "rgb:d0d0/d0d0/d0d0", 11: "rgb:1010/1010/1010" }
    for (const [code, colour] of Object.entries(colours)) {
      this.#terminal.parser.registerOscHandler(Number(code), (data) => {
        if (data === "?") this.type(`\u001b]${code};${colour}\u001b\\`)
        return data === "?"
      })
    }
    if (this.#options.env["HOB_RECORDING_STATUS"] !== "yes") return
    this.#terminal.parser.registerOscHandler(7501, (data) => {
      if (data === "?") this.type("\u001b]7501;?\u001b\\")
      return true
    })
  }
}
