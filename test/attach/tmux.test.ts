/** Terminals of another make: tmux shows the output itself in one window, and what `hob attach` writes in the next. */
import { execFile, execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe } from "vitest"
import { binary, until } from "../support/home.ts"
import { needs } from "../support/needs.ts"
import { kinds } from "../terminal/kinds.ts"
import { Attaching, type Size } from "./support.ts"

const small = { cols: 20, rows: 6 }
const run = promisify(execFile)

/** What tmux knows of a terminal beside what is on it. */
const facts = [
  "cursor_x",
  "cursor_y",
  "cursor_flag",
  "insert_flag",
  "wrap_flag",
  "origin_flag",
  "keypad_flag",
  "keypad_cursor_flag",
  "mouse_standard_flag",
  "mouse_button_flag",
  "mouse_all_flag",
  "mouse_sgr_flag",
  "mouse_utf8_flag",
  "scroll_region_upper",
  "scroll_region_lower",
  "alternate_on",
  "pane_tabs"
]

/** What tmux 3.3 takes for something else than a snapshot says in other words, and so does most of what imitates it. */
const otherwise: Record<string, string> = {
  "half of a wide character overwritten": "the other half stays",
  "emoji, with joiners, tones, flags and selectors": "what is joined takes the cells of one",
  "the line drawing set": "it captures the letters behind the lines",
  "national sets, one shifted in": "there are none",
  "new line mode": "there is none",
  "everything reset": "the alternate screen stays",
  "softly reset": "nothing is"
}

class Tmux {
  readonly #directory = mkdtempSync(join(tmpdir(), "hob-tmux-"))
  readonly #socket = join(this.#directory, "s")
  readonly #size: Size
  readonly #env: NodeJS.ProcessEnv

  constructor(size: Size, env: NodeJS.ProcessEnv) {
    this.#size = size
    this.#env = env
    writeFileSync(
      join(this.#directory, "conf"),
      "set -g status off\nset -g history-limit 20000\nset -g remain-on-exit on\n"
    )
  }

  async #tmux(...args: ReadonlyArray<string>): Promise<string> {
    const { TMUX: _, ...env } = this.#env
    const all = ["-u", "-S", this.#socket, "-f", join(this.#directory, "conf"), ...args]
    return (await run("tmux", all, { env, maxBuffer: 1e8 })).stdout
  }

  /** A terminal of its own with this command in it. */
  async open(name: string, ...command: ReadonlyArray<string>): Promise<void> {
    const { cols, rows } = this.#size
    await this.#tmux("new-session", "-d", "-s", name, "-x", String(cols), "-y", String(rows), "--", ...command)
  }

  async close(name: string): Promise<void> {
    await this.#tmux("kill-session", "-t", name)
  }

  /** The program that has the terminal now. */
  async running(name: string): Promise<string> {
    return (await this.#tmux("display-message", "-p", "-t", name, "#{pane_current_command}")).trim()
  }

  /** The terminal's state, and its rows with their looks, from `first` on: 0 is the screen's first. */
  async seen(name: string, first: number): Promise<{ readonly state: string; readonly rows: ReadonlyArray<string> }> {
    const state = facts.map((fact) => `${fact}=#{${fact}}`).join(" ")
    return {
      state: (await this.#tmux("display-message", "-p", "-t", name, state)).trim(),
      rows: (await this.#tmux("capture-pane", "-p", "-e", "-S", String(first), "-t", name)).split("\n")
    }
  }

  [Symbol.dispose](): void {
    try {
      execFileSync("tmux", ["-S", this.#socket, "kill-server"], { stdio: "ignore" })
    } catch {
      // It has ended with its last session.
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Shows a file's bytes as they are. */
const showing = (file: string) => ["sh", "-c", 'stty raw -echo; cat "$0"; exec sleep 100000', file]

describe("in tmux an attached session looks like its output would", () => {
  needs("tmux")(
    "in every state",
    async () => {
      await using hob = await Attaching.begin()
      using tmux = new Tmux(small, hob.home.env)
      let number = 0
      for (const [kind, output] of Object.entries(kinds)) {
        if (otherwise[kind] !== undefined) continue
        const name = `s${number++}`
        await hob.prints(name, small, output)
        // It has been looked at: so it is its screen that is shown, not what was printed.
        await hob.home.ok(["screen", name])
        await tmux.open("raw", ...showing(hob.file(name)))
        // Before, both may show nothing, and be the same in that.
        await until(`${kind} is printed`, async () => (await tmux.running("raw")) === "sleep")
        await tmux.open("attached", binary, "attach", name)
        let shown: unknown
        let wanted: unknown
        await until(kind, async () => {
          wanted = await tmux.seen("raw", 0)
          shown = await tmux.seen("attached", 0)
          return JSON.stringify(shown) === JSON.stringify(wanted)
        }).catch(() => assert.deepStrictEqual(shown, wanted, kind))
        await tmux.close("raw")
        await tmux.close("attached")
        await hob.home.ok(["kill", "--signal", "KILL", name])
      }
    },
    600_000
  )

  needs("tmux")(
    "with its history in the terminal's own, colours and all",
    async () => {
      await using hob = await Attaching.begin()
      const size = { cols: 80, rows: 24 }
      using tmux = new Tmux(size, hob.home.env)
      const line = (number: number) =>
        `\u001b[3${number % 8};1m${number}\u001b[0m \u001b[48;5;${number % 256}mline\u001b[m ä漢\r\n`
      await hob.prints("long", size, Array.from({ length: 6000 }, (_, number) => line(number)).join(""))
      await hob.home.ok(["screen", "long"])
      await tmux.open("raw", ...showing(hob.file("long")))
      await tmux.open("attached", binary, "attach", "long")
      let shown: unknown
      let wanted: Awaited<ReturnType<Tmux["seen"]>> | undefined
      await until("the same history is there", async () => {
        wanted = await tmux.seen("raw", -5900)
        shown = await tmux.seen("attached", -5900)
        // At first there is nothing in either.
        return wanted.rows.length > 5900 && JSON.stringify(shown) === JSON.stringify(wanted)
      }).catch(() => assert.deepStrictEqual(shown, wanted))
      assert.isAbove(wanted?.rows.length ?? 0, 5900)
    },
    120_000
  )
})
