/** The completions in the shells they are for. */
import { execFileSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe } from "vitest"
import { completionPaths } from "../../src/config/completionPaths.ts"
import { type Home, makeHome, processesOf, until } from "../support/home.ts"
import { has, needs } from "../support/needs.ts"
import { Tmux } from "./tmux.ts"

/** What a shell says when it reads what is typed; nothing it prints before. */
const PROMPT = "ready>"
/** Typed behind a press of Tab: it is there when the shell is done with that. */
const BEHIND = "=+="

describe("completions in a shell", () => {
  let home: Home
  let tmux: Tmux | undefined
  let windows = 0
  beforeEach(async () => {
    home = makeHome()
    if (!has("tmux")) return
    const run = (name: string) =>
      home.ok(["run", "--detach", "--name", name, "--tag", "nightly", "--", "sleep", "1000"])
    await run("alpha")
    await run("beta")
    await home.ok(["kill", "beta"])
    const work = join(home.paths.home, "..", "work.mjs")
    writeFileSync(work, "export const tidyUp = () => 1\n")
    await home.ok(["methods", "add", work])
    tmux = new Tmux(home)
  })
  afterEach(async () => {
    tmux?.end()
    tmux = undefined
    await home.destroy()
  })

  /** Each gives the command of a shell that has the completions, and says {@link PROMPT}. */
  const bash = async (): Promise<string> => {
    const script = join(home.paths.home, "..", "bash")
    writeFileSync(script, `${await home.ok(["completions", "bash"])}\nPS1='${PROMPT} '\n`)
    return `exec bash --rcfile ${script}`
  }
  const zsh = async (): Promise<string> => {
    await home.ok(["completions", "install", "--shell", "zsh"])
    const directory = join(home.paths.home, "..", "zsh")
    mkdirSync(directory)
    writeFileSync(
      join(directory, ".zshrc"),
      `fpath=(${completionPaths(home.env).zshDirectory} $fpath); autoload -U compinit; compinit -u -C -d ${directory}/known; PS1='${PROMPT} '\n`
    )
    return `ZDOTDIR=${directory} exec zsh -d`
  }
  const fish = async (): Promise<string> => {
    await home.ok(["completions", "install", "--shell", "fish"])
    return `exec fish -C 'function fish_prompt; echo "${PROMPT} "; end'`
  }

  /** A terminal with a new shell in it that waits for what is typed. */
  const prompt = async (command: string): Promise<string> => {
    const window = tmux!.another(`shell${windows++}`, command)
    await tmux!.sees(PROMPT, window)
    return window
  }

  /**
   * Types a line, presses Tab, and sees what the shell makes of it. A shell that had to wait too long for an answer has
   * nothing to complete, and then a new one is asked.
   */
  const completes = async (command: string, typed: string, to: RegExp) => {
    for (let attempt = 1; ; attempt++) {
      const window = await prompt(command)
      tmux!.type(typed, window)
      tmux!.press(["Tab"], window)
      tmux!.type(BEHIND, window)
      await tmux!.sees(BEHIND, window)
      const screen = tmux!.screen(window)
      tmux!.close(window)
      if (to.test(screen)) return
      assert.isBelow(attempt, 10, `"${typed}" was completed to:\n${screen}`)
    }
  }
  const all = async (command: string) => {
    await completes(command, "hob stat", /hob status/)
    await completes(command, "hob run --det", /--detach/)
    await completes(command, "hob attach al", /hob attach alpha/)
    await completes(command, "hob show be", /hob show beta/)
    await completes(command, "hob run --tag ni", /--tag nightly/)
    await completes(command, "hob ls -c sessions.maxC", /sessions\.maxCount=/)
    await completes(command, "hob dialect enable cl", /enable claude-sessions/)
    await completes(command, "hob send alpha --key Pag", /PageUp|PageDown|Page/)
    await completes(command, "hob methods call ti", /call tidyUp/)
    await completes(command, "hob cron add nightly @daily ti", /@daily tidyUp/)
    await completes(command, "hob webhook allow ti", /allow tidyUp/)
  }

  for (const [shell, make] of Object.entries({ bash, zsh, fish })) {
    needs("tmux", shell)(`${shell} completes commands, flags, sessions, tags, methods, settings and keys`, async () =>
      all(await make())
    )
  }

  needs("tmux", "bash")("bash puts nothing behind a setting that is whole: its value is to be typed", async () =>
    completes(await bash(), "hob ls -c sessions.maxCount=", /sessions\.maxCount==\+=/)
  )

  /** What a shell has started to ask hob, once it has connected. */
  const asking = (): number | undefined =>
    processesOf(home.paths.home).find((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
        if (!words.includes("__complete")) return false
        return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:"))
      } catch {
        return false
      }
    })

  /** A shell that has been asked to complete a session's name, and asks a daemon that doesn't answer. */
  const stuck = async (command: string): Promise<string> => {
    const window = await prompt(command)
    tmux!.type("hob attach al", window)
    tmux!.press(["Tab"], window)
    await until("hob is asked", () => asking() !== undefined)
    return window
  }

  for (const [shell, make] of Object.entries({ bash, zsh, fish })) {
    needs("tmux", shell)(`${shell} is not held up by a daemon that doesn't answer; C-c ends the asking`, async () => {
      const command = await make()
      process.kill(await home.daemonPid(), "SIGSTOP")
      const window = await stuck(command)
      tmux!.type(BEHIND, window)
      await tmux!.sees(BEHIND, window)
      assert.isUndefined(asking())

      const other = await stuck(command)
      tmux!.press(["C-c"], other)
      await until("nobody asks any more", () => asking() === undefined)
      // The line may be there still, and bash loses the first key of the next.
      tmux!.press(["C-u", "Enter"], other)
      tmux!.enter(" expr 6 '*' 7", other)
      await tmux!.sees(/^42$/m, other)
    })
  }

  needs("tmux", "bash")("what is asked for a completion leaves the terminal as the shell has it", async () => {
    const command = await bash()
    const daemon = await home.daemonPid()
    process.kill(daemon, "SIGSTOP")
    const window = await stuck(command)
    const stty = (...words: ReadonlyArray<string>) =>
      execFileSync("stty", ["-F", tmux!.device(window), ...words], { encoding: "utf8" })
    assert.match(stty("-a"), / echok /)
    stty("-echok")
    process.kill(daemon, "SIGCONT")
    tmux!.type(BEHIND, window)
    await tmux!.sees(/alpha *=\+=/, window)
    assert.match(stty("-a"), / -echok /)
  })
})
