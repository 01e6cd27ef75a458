import { afterAll, assert, beforeAll, describe } from "vitest"
import type { Session } from "../../src/protocol/index.ts"
import type { Explanation } from "../../src/protocol/screens.ts"
import { connect } from "../../src/client/index.ts"
import { type Home, makeHome, until } from "../support/home.ts"
import { needs } from "../support/needs.ts"
import { screensPid } from "../screens/support.ts"

describe("what a session is about, on the real thing", () => {
  let home: Home
  beforeAll(async () => {
    home = makeHome({ PS1: "$ " })
    await home.ok(["run", "--detach", "--name", "shell", "--", "bash", "--norc"])
  })
  afterAll(() => home.destroy())

  const activity = async (name: string) => (await home.json<Session>(["show", name])).activity
  const becomes = (name: string, state: string) =>
    until(`${name} is ${state}`, async () => (await activity(name))?.state === state)
  const type = (line: string) => home.ok(["send", "shell", line, "--key", "Enter"])

  needs("bash")(
    "a shell is idle at its prompt, works while a program runs, waits when one asks, and says why",
    async () => {
      await becomes("shell", "idle")
      await type("sleep 600")
      await becomes("shell", "working")
      assert.match(await home.ok(["ls"]), / running +working +\d+s /)
      await home.ok(["send", "shell", "--key", "C-c"])
      await becomes("shell", "idle")
      await type(`read -p "Your name? " name`)
      await becomes("shell", "waiting")
      const page = await home.ok(["session", "explain", "shell"])
      assert.match(page, /^activity: +waiting, for \d+s/)
      assert.match(page, /^because: +shell\/read: .*“Your name\?”/m)
      const explanation = await home.json<Explanation>(["explain", "shell"])
      assert.strictEqual(explanation.reasons[0]?.rule, "shell/read")
      await type("Ada")
      await becomes("shell", "idle")
    }
  )

  needs("bash")("clients hear of each change", async () => {
    await becomes("shell", "idle")
    await using client = await connect({ paths: home.paths })
    const events = client["sessions.events"]({ types: ["activity"] })[Symbol.asyncIterator]()
    const next = events.next()
    // Lines are taken up in order: it is subscribed.
    await client["daemon.ping"](undefined)
    await type("sleep 600")
    const { value } = await next
    assert.deepStrictEqual([value?.type, value?.session?.activity?.state], ["activity", "working"])
    await home.ok(["send", "shell", "--key", "C-c"])
    await becomes("shell", "idle")
  })

  needs("bash")("it is known again after the daemon and the screens process were killed", async () => {
    await becomes("shell", "idle")
    const before = await activity("shell")
    process.kill(await home.daemonPid(), "SIGKILL")
    await until("the new daemon knows", async () => (await activity("shell"))?.state === "idle")
    assert.deepStrictEqual(await activity("shell"), before)
    const pid = await screensPid(home.paths.home)
    process.kill(pid, "SIGKILL")
    await screensPid(home.paths.home, pid)
    await type("sleep 600")
    await becomes("shell", "working")
    await home.ok(["send", "shell", "--key", "C-c"])
    await becomes("shell", "idle")
  })

  needs("sh")("one that has ended, or has no terminal, is about nothing, and asking why is refused", async () => {
    await home.ok(["run", "--detach", "--name", "over", "--", "sh", "-c", "exit 0"])
    await home.ok(["wait", "over"])
    assert.isNull(await activity("over"))
    const over = await home.hob(["explain", "over"])
    assert.match(over.stderr, /has ended/)
    await home.ok(["run", "--detach", "--pipe", "--name", "pipes", "--", "cat"])
    assert.isNull(await activity("pipes"))
    const pipes = await home.hob(["explain", "pipes"])
    assert.notStrictEqual(pipes.code, 0)
    assert.match(pipes.stderr, /terminal/)
  })
})
