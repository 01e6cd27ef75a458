import { execFileSync } from "node:child_process"
import { join, resolve } from "node:path"
import { type Home, until } from "../support/home.ts"

/** Where `hob` is. */
export const binaries = resolve(import.meta.dirname, "../../bin")

/** How a terminal at rest is described by {@link Tmux.modes}. */
export const AT_REST = "alternate=0 cursor=1 mouse=0 sgr=0 keypad=0 cursorKeys=0 insert=0 wrap=1 origin=0 region=0-29"

/** A real terminal of 100 × 30 with a shell in it, where `hob` is this tree's and its home is `home`. */
export class Tmux {
  readonly #socket: string
  readonly #env: NodeJS.ProcessEnv

  constructor(home: Home) {
    this.#socket = join(home.paths.home, "..", "tmux")
    this.#env = { ...home.env, PATH: `${binaries}:${home.env["PATH"]}`, PS1: "$ ", ENV: "", TERM: "xterm-256color" }
    delete this.#env["TMUX"]
    this.#run("new-session", "-d", "-s", "main", "-x", "100", "-y", "30", "sh")
    this.#run("set-option", "-g", "status", "off")
    this.#run("set-option", "-g", "default-command", "sh")
    this.#run("resize-window", "-t", "main", "-x", "100", "-y", "30")
  }

  #run(...args: ReadonlyArray<string>): string {
    return execFileSync("tmux", ["-S", this.#socket, "-f", "/dev/null", ...args], {
      env: this.#env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"]
    })
  }

  /** Another terminal like the first, beside it, with a program in it: its name. */
  another(name: string, command = "sh"): string {
    this.#run("new-session", "-d", "-s", name, "-x", "100", "-y", "30", command)
    return name
  }

  /** Takes a terminal away from what runs in it. */
  close(window: string): void {
    this.#run("kill-session", "-t", window)
  }

  /** The path of a terminal. */
  device(window = "main"): string {
    return this.#run("display-message", "-p", "-t", window, "#{pane_tty}").trim()
  }

  /** Types text as it is. */
  type(text: string, window = "main"): void {
    this.#run("send-keys", "-t", window, "-l", "--", text)
  }

  /** Presses keys by tmux's names. */
  press(keys: ReadonlyArray<string>, window = "main"): void {
    this.#run("send-keys", "-t", window, ...keys)
  }

  /** Types a command line. */
  enter(line: string, window = "main"): void {
    this.type(line, window)
    this.press(["Enter"], window)
  }

  /** The visible lines, less empty ones at the end. */
  screen(window = "main"): string {
    return this.#run("capture-pane", "-p", "-t", window).trimEnd()
  }

  /** The same, below what has scrolled by. */
  history(window = "main"): string {
    return this.#run("capture-pane", "-p", "-S", "-", "-t", window).trimEnd()
  }

  /** Waits until it is on the screen, or has scrolled by. */
  async sees(text: string | RegExp, window = "main"): Promise<void> {
    const found = () =>
      typeof text === "string" ? this.history(window).includes(text) : text.test(this.history(window))
    await until(`the terminal shows ${text}`, found).catch((error: Error) => {
      throw new Error(`${error.message}; it shows:\n${this.history(window)}`)
    })
  }

  resize(cols: number, rows: number, window = "main"): void {
    this.#run("resize-window", "-t", window, "-x", String(cols), "-y", String(rows))
  }

  /** The modes that a session may have left in the terminal. */
  modes(window = "main"): string {
    const format =
      "alternate=#{alternate_on} cursor=#{cursor_flag} mouse=#{mouse_any_flag} sgr=#{mouse_sgr_flag} keypad=#{keypad_flag} " +
      "cursorKeys=#{keypad_cursor_flag} insert=#{insert_flag} wrap=#{wrap_flag} origin=#{origin_flag} " +
      "region=#{scroll_region_upper}-#{scroll_region_lower}"
    return this.#run("display-message", "-p", "-t", window, format).trim()
  }

  end(): void {
    try {
      this.#run("kill-server")
    } catch {
      // It has ended by itself with its last shell.
    }
  }
}
