import { spawn, type ChildProcess } from "node:child_process"
import type { Readable, Writable } from "node:stream"
import { isForeground } from "./foreground.ts"

/**
 * A shell that puts the terminal into raw mode, and back into the very state it found, also when we are killed without
 * a chance to do it ourselves: our death closes its standard input. Node's own raw mode isn't used because it leaves
 * newline translation on, which shifts full-screen programs that move down with a bare line feed.
 *
 * Until it is told `raw` it changes nothing. It reads one word a line: `raw`, `shared` (the terminal is somebody else's for now: give it back unless they have set it
 * already), `done` (nothing is left to restore on the screen), and `screen TEXT` (what else to print if we die, in
 * printf's %b form). It answers all but the last.
 */
const script = String.raw`
trap "" INT TERM QUIT HUP TSTP TTOU TTIN USR1 USR2
saved=$(stty -g <&3) || exit 1
clean=1 ours= extra=
while read -r word text; do
  case $word in
    raw) stty raw -echo -iexten <&3 || exit 1; clean=; echo raw; ours=$(stty -g <&3) ;;
    shared) [ "$(stty -g <&3)" = "$ours" ] && stty "$saved" <&3; echo shared ;;
    screen) extra=$text ;;
    done) clean=1; break ;;
  esac
done
[ "$clean" ] || [ "$TERM" = dumb ] || printf '%b' "$1$extra\r\n" >&4
[ "$ours" ] && stty "$saved" <&3
echo done
`

/** What is harmless to switch off even when it is not on, for the case that nobody is left to know. */
const always =
  String.raw`\0030\033\0134\033[?2026l\033[0m\033(B\017\033[4l\033[?1l\033>\033[?7h\033[?25h` +
  String.raw`\033[?1000l\033[?1002l\033[?1003l\033[?1004l\033[?1006l\033[?2004l\033[>4;0m`

const escaped = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u001f\u007f\\]/g, (character) => `\\0${character.charCodeAt(0).toString(8).padStart(3, "0")}`)

/** How often somebody who was continued in the background looks whether the terminal is theirs again: no signal tells. */
const LOOK_MILLIS = 200

export class TerminalGuard {
  readonly #child: ChildProcess
  readonly #waiting: Array<{ word: string; resolve: () => void }> = []
  #answers = ""
  #gone = false
  #screen = ""

  constructor(child: ChildProcess) {
    this.#child = child
    const answers = child.stdout as Readable
    answers.setEncoding("utf8")
    answers.on("data", (text: string) => this.#read(text))
    const gone = () => {
      this.#gone = true
      for (const { resolve } of this.#waiting.splice(0)) resolve()
    }
    child.once("close", gone)
    child.once("error", gone)
    ;(child.stdin as Writable).on("error", () => {})
  }

  #read(text: string): void {
    this.#answers += text
    for (let end = this.#answers.indexOf("\n"); end >= 0; end = this.#answers.indexOf("\n")) {
      const word = this.#answers.slice(0, end)
      this.#answers = this.#answers.slice(end + 1)
      if (this.#waiting[0]?.word === word) this.#waiting.shift()!.resolve()
    }
  }

  #answered(word: string): Promise<void> {
    if (this.#gone) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ word, resolve }))
  }

  #say(line: string): void {
    if (!this.#gone) this.#child.stdin!.write(`${line}\n`)
  }

  /** Says what to print if we die, beyond the usual. */
  onDeath(screen: string): void {
    if (screen === this.#screen) return
    this.#screen = screen
    this.#say(`screen ${escaped(screen)}`)
  }

  /** Raw mode; rejects where that can't be had. */
  async raw(): Promise<void> {
    await this.#ask("raw")
    if (this.#gone) throw new Error("stty can't set the terminal's mode")
  }

  /** Raw mode again. For as long as somebody else has the terminal it is left to them. */
  async regain(): Promise<void> {
    if (!isForeground()) await this.#ask("shared")
    while (!this.#gone && !isForeground()) await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS))
    await this.#ask("raw")
  }

  async #ask(word: string): Promise<void> {
    const answered = this.#answered(word)
    this.#say(word)
    await answered
  }

  /** The terminal is as it was when this resolves. What was switched on the screen must have been undone before. */
  async done(): Promise<void> {
    await this.#ask("done")
    this.#gone = true
  }
}

/** Stands ready for the terminal with these descriptors, before anything is done to it. */
export const startGuard = (input: number, output: number): TerminalGuard =>
  new TerminalGuard(
    spawn("/bin/sh", ["-c", script, "sh", always], {
      stdio: ["pipe", "pipe", "ignore", input, output],
      // stty would look for its messages in many places before it does anything.
      env: { ...process.env, LC_ALL: "C" }
    })
  )
