/** A terminal in front of a command, as a person's would be: a real one for the command, an emulator for what is on it. */
import { Emulator } from "../../src/terminal/Emulator.ts"
import { startPty } from "../../src/sessionhost/pty.ts"
import type { Program, ProgramExit } from "../../src/sessionhost/program.ts"
import { Watch } from "../sessionhost/support/peers.ts"

export interface PtyClientOptions {
  readonly env: NodeJS.ProcessEnv
  readonly cols: number
  readonly rows: number
  /** Lines that the terminal keeps above its screen. */
  readonly scrollback?: number
}

export class PtyClient {
  readonly terminal: Emulator
  /** What the terminal answered to questions: an attached session's must never come through to it. */
  readonly answers: Array<string> = []
  /** Everything that was shown. */
  readonly shown: Array<Buffer> = []
  exit: ProgramExit | null = null
  readonly #program: Program
  readonly #watch = new Watch()

  constructor(command: ReadonlyArray<string>, { cols, env, rows, scrollback }: PtyClientOptions) {
    this.terminal = new Emulator({ cols, rows, scrollback: scrollback ?? 20_000 })
    this.terminal.onReply((answer) => {
      this.answers.push(answer)
      this.#program.write(Buffer.from(answer, "latin1"))
    })
    const environment = Object.entries({ ...env, TERM: "xterm-256color" }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined
    )
    this.#program = startPty(
      {
        file: command[0]!,
        args: command.slice(1),
        cwd: "/",
        env: Object.fromEntries(environment),
        cols,
        rows,
        inputQueueBytes: 16 * 1024 * 1024
      },
      {
        output: (_direction, chunk) => {
          this.shown.push(Buffer.from(chunk))
          this.terminal.write(chunk)
          this.#watch.changed()
        },
        exited: (exit) => {
          this.exit = exit
          this.#watch.changed()
        },
        closed: () => {},
        inputDrained: () => {}
      }
    )
  }

  get pid(): number {
    return this.#program.pid
  }

  type(text: string): void {
    this.#program.write(Buffer.from(text))
  }

  /** The reader makes the window larger or smaller. */
  resize(cols: number, rows: number): void {
    this.terminal.resize(cols, rows)
    this.#program.resize(cols, rows)
  }

  /** The rows of the screen, without blanks at the end. */
  rows(): ReadonlyArray<string> {
    return this.terminal.screen().lines.map(({ text }) => text)
  }

  /** Rows above the screen and on it. */
  text(): string {
    return this.terminal
      .text()
      .map(({ text }) => text)
      .join("\n")
  }

  /** Resolves once it is so; looked at after each thing that is shown. */
  async until(what: string, condition: () => boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const fail = () =>
        reject(new Error(`waited in vain until ${what}; the terminal shows:\n${this.rows().join("\n")}`))
      timer = setTimeout(fail, 110_000)
    })
    await Promise.race([this.#watch.until(condition), late]).finally(() => clearTimeout(timer))
  }

  sees(text: string): Promise<void> {
    return this.until(`it shows ${JSON.stringify(text)}`, () => this.text().includes(text))
  }

  async ended(): Promise<ProgramExit> {
    await this.until("the command has ended", () => this.exit !== null)
    return this.exit!
  }

  end(): void {
    this.#program.signalAll("SIGKILL")
  }
}
