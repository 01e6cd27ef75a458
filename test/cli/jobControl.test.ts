import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe } from "vitest"
import type { Session } from "../../src/protocol/sessions.ts"
import { type Home, makeHome, processesOf, until } from "../support/home.ts"
import { has, needs } from "../support/needs.ts"
import { Tmux } from "./tmux.ts"

const it = needs("tmux")

/** An `stty` that sets the terminal back only once it is let: what it does is known, and when. */
const slowStty = (directory: string): string => `#!/bin/sh
PATH=\${PATH#*:}
case $1 in -g | raw) exec stty "$@" ;; esac
: > '${directory}/leaving'
while [ ! -e '${directory}/go' ]; do sleep 0.05; done
exec stty "$@"
`

describe("hob attach and the shell it was called from", () => {
  let home: Home
  let tmux: Tmux
  beforeEach(async () => {
    home = makeHome()
    if (!has("tmux")) return
    await home.ok(["run", "--detach", "--name", "shown", "--", "cat"])
    tmux = new Tmux(home)
  })
  afterEach(async () => {
    tmux?.end()
    await home.destroy()
  })

  const client = (): number =>
    processesOf(home.paths.home).find((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
        return words.includes("attach") && words.some((word) => word.endsWith("hob.cjs"))
      } catch {
        // Gone meanwhile.
        return false
      }
    })!
  const state = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]![0]

  it("what is typed behind the detach key is left for the shell", async () => {
    const directory = join(home.paths.home, "..", "slow")
    mkdirSync(directory)
    writeFileSync(join(directory, "stty"), slowStty(directory), { mode: 0o700 })
    tmux.enter(`clear; PATH=${directory}:$PATH hob attach shown`)
    await tmux.sees("C-\\ detaches")
    tmux.press(["C-\\"])
    await until("the client leaves", () => existsSync(join(directory, "leaving")))
    // A line feed: the terminal does not make one of Enter before it is set back.
    tmux.type("echo $((6 * 7))")
    tmux.press(["C-j"])
    writeFileSync(join(directory, "go"), "")
    await tmux.sees(/^(. )?42$/m)
    assert.notInclude(await home.ok(["output", "shown"]), "echo")
  })

  it("stopped and continued by somebody else, it leaves the terminal to the shell until the shell gives it back", async () => {
    tmux.enter("set -m; clear; hob attach shown")
    await tmux.sees("C-\\ detaches")
    const pid = client()
    process.kill(pid, "SIGSTOP")
    await tmux.sees("Stopped")
    process.kill(pid, "SIGCONT")
    await until("it goes on", () => state(pid) !== "T")
    await home.ok(["send", "shown", "meanwhile", "--key", "Enter"])
    // Only a terminal in its usual mode makes a line of this.
    await until("the shell has a terminal to read from", async () => {
      tmux.press(["C-u"])
      tmux.enter("echo $((6 * 7))")
      return /^42$/m.test(tmux.screen())
    })
    assert.notInclude(tmux.screen(), "meanwhile")
    tmux.enter("fg")
    await tmux.sees(/meanwhile\n+meanwhile/)
    tmux.enter("and again")
    await tmux.sees(/and again\n+and again/)
    assert.strictEqual((await home.json<Session>(["show", "shown"])).state, "running")
  })
})
