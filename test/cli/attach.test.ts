import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe } from "vitest"
import type { Session } from "../../src/protocol/sessions.ts"
import { has, needs } from "../support/needs.ts"
import { type Home, isAlive, makeHome, processesOf, until } from "../support/home.ts"
import { AT_REST, binaries, Tmux } from "./tmux.ts"

const it = needs("tmux")

/** A program that switches on all there is, and then waits for a line. */
const greedy = String.raw`printf '\033[?1049h\033[?25l\033[?1003h\033[?1006h\033=\033[?1h\033[4h\033[?7l\033[?6h\033[5;9r\033[31mGREEDY'; read line`

describe("hob attach in a terminal", () => {
  let home: Home
  let tmux: Tmux
  beforeEach(async () => {
    home = makeHome()
    if (!has("tmux")) return
    await home.ok(["start"])
    tmux = new Tmux(home)
  })
  afterEach(async () => {
    tmux?.end()
    await home.destroy()
  })

  const session = async (name: string, ...command: ReadonlyArray<string>): Promise<void> => {
    await home.ok(["run", "--detach", "--name", name, "--", ...command])
  }
  const show = (name: string) => home.json<Session>(["show", name])

  /** The processes of this home whose words these are, tested one by one. */
  const processes = (matches: (words: ReadonlyArray<string>) => boolean): ReadonlyArray<number> =>
    processesOf(home.paths.home).filter((pid) => {
      try {
        return matches(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"))
      } catch {
        return false
      }
    })
  const clients = () => processes((words) => words.includes("attach") && words.some((word) => word.endsWith("hob.cjs")))
  /** What restores the terminal for a client that is killed. */
  const guards = () => processes((words) => words.some((word) => word.includes("stty -g")))

  /** The terminal's settings as `stty` shows them, asked from the shell in it. */
  const settings = async (mark: string): Promise<string> => {
    tmux.enter(`clear; stty -a; echo ${mark}`)
    await tmux.sees(new RegExp(`^${mark}`, "m"))
    return tmux.screen().replace(mark, "")
  }

  it("shows the session, types into it, and leaves on the detach key with the terminal as it was", async () => {
    await session("shell", "sh")
    const before = await settings("BEFORE")
    tmux.enter("clear; hob attach shell; echo code=$?")
    await tmux.sees("C-\\ detaches")
    tmux.enter("echo $((6 * 7)); stty size")
    await tmux.sees(/^42\n30 100$/m)
    tmux.press(["C-\\"])
    await tmux.sees(/\[detached from shell; it runs on\..*\n+code=0/)
    assert.strictEqual(await settings("AFTER"), before)
    assert.strictEqual((await show("shell")).state, "running")
  })

  it("undoes what the session switched on in the terminal, when it is detached", async () => {
    await session("greedy", "sh", "-c", greedy)
    tmux.enter("clear; hob attach greedy")
    await tmux.sees("GREEDY")
    assert.notStrictEqual(tmux.modes(), AT_REST)
    tmux.press(["C-\\"])
    await tmux.sees("[detached from greedy")
    assert.strictEqual(tmux.modes(), AT_REST)
  })

  for (const signal of ["SIGTERM", "SIGHUP", "SIGKILL", "SIGABRT"] as const) {
    it(`undoes it too when the client is ended by ${signal}`, async () => {
      await session("greedy", "sh", "-c", greedy)
      const before = await settings("BEFORE")
      tmux.enter("clear; hob attach greedy")
      await tmux.sees("GREEDY")
      assert.lengthOf(clients(), 1)
      process.kill(clients()[0]!, signal)
      // What is typed before goes to the client, and is gone with it.
      await until("the client and its guard are gone", () => clients().length + guards().length === 0)
      await until("the terminal is at rest", () => tmux.modes() === AT_REST)
      assert.strictEqual(await settings("AFTER"), before)
      assert.strictEqual((await show("greedy")).state, "running")
    })
  }

  it("ends with the session: its terminal at rest, a line that says how, and its exit code", async () => {
    await session("greedy", "sh", "-c", `${greedy}; exit 7`)
    tmux.enter("clear; hob attach greedy; echo code=$?")
    await tmux.sees("GREEDY")
    tmux.press(["Enter"])
    await tmux.sees(/\[session greedy ended: exit 7\]\n(.*\n)*code=7/)
    assert.strictEqual(tmux.modes(), AT_REST)

    await session("killed", "sleep", "1000")
    tmux.enter("clear; hob attach killed; echo code=$?")
    await tmux.sees("C-\\ detaches")
    await home.ok(["kill", "--signal", "KILL", "killed"])
    await tmux.sees(/\[session killed ended: SIGKILL\]\n(.*\n)*code=137/)
  })

  it("keeps the session's terminal as large as the one it is shown in", async () => {
    await session("shell", "sh")
    tmux.enter("clear; hob attach shell")
    await tmux.sees("C-\\ detaches")
    tmux.resize(77, 19)
    await until("the size followed", async () => {
      const { cols, rows } = await show("shell")
      return cols === 77 && rows === 19
    })
    tmux.enter("stty size")
    await tmux.sees(/^19 77$/m)
  })

  it("several terminals show the same session; one types, and another may take the keyboard", async () => {
    await session("shared", "cat")
    const second = tmux.another("second")
    tmux.enter("clear; hob attach shared")
    await tmux.sees("C-\\ detaches")
    tmux.enter("clear; hob attach shared", second)
    await tmux.sees("C-\\ detaches", second)
    tmux.enter("from the first")
    await tmux.sees(/from the first\n+from the first/, second)
    const holder = (await show("shared")).input?.client
    assert.match(holder!, /^pts\/\d+$/)
    tmux.enter("from nobody", second)
    await tmux.sees(`${holder} has had the keyboard since`, second)
    tmux.press(["C-t"], second)
    await until("the second has the keyboard", async () => (await show("shared")).input?.client !== holder)
    await tmux.sees("has taken the keyboard. C-t takes it back.")
    tmux.enter("from the second", second)
    await tmux.sees(/from the second\n+from the second/)
    tmux.press(["C-t"])
    await until("the first has it again", async () => (await show("shared")).input?.client === holder)
    assert.strictEqual((await show("shared")).clients, 2)
    assert.notInclude(await home.ok(["output", "shared"]), "nobody")
    assert.include(await home.ok(["show", "shared"]), `${holder} types`)
  })

  it("read-only, nothing typed reaches the session, and its size stays", async () => {
    await home.ok(["run", "--detach", "--name", "watched", "--", "cat"])
    const { cols, rows } = await show("watched")
    tmux.enter("clear; hob attach --read-only watched")
    await tmux.sees("read-only, ")
    tmux.enter("never")
    await home.ok(["send", "watched", "seen", "--key", "Enter"])
    // In a view of its own: the session has another size.
    await tmux.sees(/seen +│\n+seen +│/)
    assert.notInclude(tmux.screen(), "never")
    const now = await show("watched")
    assert.deepStrictEqual([now.cols, now.rows], [cols, rows])
    tmux.press(["C-c"])
    await tmux.sees("[detached from watched")
  })

  it("does not notice the death of the daemon: nothing is lost, nothing doubled, and typing goes on", async () => {
    await session("steady", "cat")
    tmux.enter("clear; hob attach steady")
    await tmux.sees("C-\\ detaches")
    tmux.enter("one")
    await tmux.sees(/one\n+one/)
    const pid = await home.daemonPid()
    process.kill(pid, "SIGKILL")
    await until("the daemon is gone", () => !isAlive(pid))
    tmux.enter("two")
    await tmux.sees(/two\n+two/)
    await home.ok(["ls"])
    tmux.enter("three")
    await tmux.sees(/three\n+three/)
    const lines = tmux.screen().split("\n")
    assert.deepStrictEqual(
      lines.filter((line) => line !== ""),
      ["one", "one", "two", "two", "three", "three"]
    )
  })

  it("says that the session is lost when the session-host dies, and ends with 125", async () => {
    await session("doomed", "cat")
    tmux.enter("clear; hob attach doomed; echo code=$?")
    await tmux.sees("C-\\ detaches")
    process.kill(await home.hostPid(), "SIGKILL")
    await tmux.sees(/\[session doomed lost: .*\n(.*\n)*code=125/)
  })

  it("refuses to show a session inside of itself", async () => {
    await session("self", "sh")
    tmux.enter("clear; hob attach self")
    await tmux.sees("C-\\ detaches")
    tmux.enter(`${join(binaries, "hob")} attach self; echo code=$?`)
    await tmux.sees(/This is session self itself(.*\n)+code=1/)
  })

  it("leaves on the key that the configuration names", async () => {
    await session("shell", "sh")
    tmux.enter("clear; HOB_SESSIONS_DETACH_KEY='C-a d' hob attach shell; echo code=$?")
    await tmux.sees("C-a d detaches")
    tmux.press(["C-\\"])
    tmux.press(["C-a"])
    tmux.press(["d"])
    // Until the client has gone, what is typed is still its own.
    await tmux.sees(/\[detached from shell.*\n+code=0/)
    tmux.enter("clear; HOB_SESSIONS_DETACH_KEY='C-a dd' hob attach shell; echo code=$?")
    await tmux.sees(/is not a key(.*\n)+code=2/)
  })

  it("shows a session on pipes without touching the terminal: lines go in, output comes out", async () => {
    await home.ok([
      "run",
      "--detach",
      "--pipe",
      "--name",
      "piped",
      "--",
      "sh",
      "-c",
      "while read x; do echo got $x; done"
    ])
    const before = await settings("BEFORE")
    tmux.enter("clear; hob attach piped; echo code=$?")
    await tmux.sees("on pipes: lines you type")
    tmux.enter("one")
    await tmux.sees(/^one\ngot one$/m)
    tmux.enter("two")
    await tmux.sees(/^two\ngot two$/m)
    tmux.press(["C-c"])
    await tmux.sees(/\[detached from piped; .*\n(.*\n)*code=0/)
    assert.strictEqual(await settings("AFTER"), before)
    assert.strictEqual((await show("piped")).state, "running")
  })

  it("hob run attaches, and passes on the exit code", async () => {
    tmux.enter("clear; hob run --name now -- sh -c 'read x; exit 9'; echo code=$?")
    await tmux.sees("[session now: C-\\ detaches]")
    tmux.press(["Enter"])
    await tmux.sees(/\[session now ended: exit 9\]\n(.*\n)*code=9/)
  })
})
