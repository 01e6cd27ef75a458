import { writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Session } from "../../src/protocol/index.ts"
import type { Explanation } from "../../src/protocol/screens.ts"
import { connect } from "../../src/client/index.ts"
import { type Home, makeHome, until } from "../support/home.ts"
import { needs } from "../support/needs.ts"
import { screensPid } from "../screens/support.ts"

const hobBinary = resolve(import.meta.dirname, "../../bin/hob")

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
    const working = (async () => {
      for await (const { session, type } of { [Symbol.asyncIterator]: () => events }) {
        assert.strictEqual(type, "activity")
        if (session?.activity?.state === "working") return
      }
      assert.fail("there are no more events")
    })()
    // Lines are taken up in order: it is subscribed.
    await client["daemon.ping"](undefined)
    await type("sleep 600")
    await working
    await home.ok(["send", "shell", "--key", "C-c"])
    await becomes("shell", "idle")
  })

  needs("bash")("it is known again after the daemon and the screens process were killed", async () => {
    await becomes("shell", "idle")
    const before = await activity("shell")
    await home.killDaemon()
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

  needs("bash")("`read` waits without a word of a question, and is over with its line", async () => {
    await becomes("shell", "idle")
    await type("read name")
    await becomes("shell", "waiting")
    await type("Ada")
    await becomes("shell", "idle")
  })

  for (const [name, ...rest] of [["zsh", "-f"], ["fish", "--no-config"], ["dash"]] as const) {
    needs(name)(`so it is in ${name}`, async () => {
      await home.ok(["run", "--detach", "--name", name, "--env", "TERM=xterm-256color", "--", name, ...rest])
      await becomes(name, "idle")
      for (const [line, state] of [
        ["read name", "waiting"],
        ["Ada", "idle"],
        ["sleep 600", "working"]
      ] as const) {
        await home.ok(["send", name, line, "--key", "Enter"])
        await becomes(name, state)
      }
      await home.ok(["kill", "--signal", "KILL", name])
    })
  }

  needs("bash")("a wait for idle waits for what was typed before it", async () => {
    await becomes("shell", "idle")
    await type("sleep 3; echo awake")
    assert.strictEqual(await home.ok(["wait", "shell", "--state", "idle", "--timeout", "1m"]), "idle\n")
    assert.match(await home.ok(["screen", "shell"]), /^awake$/m)
  })

  it("an agent's hook tells what it is about, from inside its session", async () => {
    const box = `${"─".repeat(40)}\\n❯ \\n${"─".repeat(40)}\\n  ? for shortcuts`
    const hook = `require("child_process").execFileSync(hob, ["session", "sign", "claude"], { input })`
    const input = JSON.stringify({ hook_event_name: "Notification", notification_type: "permission_prompt" })
    const program = join(home.paths.home, "claude.cjs")
    const constants = `const hob = ${JSON.stringify(hobBinary)}, input = ${JSON.stringify(input)}`
    writeFileSync(program, `${constants}\nprocess.stdout.write("${box}")\n${hook}\nsetInterval(() => {}, 1e6)\n`)
    await home.ok(["run", "--detach", "--name", "agent", "--", process.execPath, program])
    const said = async () => (await home.json<Explanation>(["explain", "agent"])).signs
    await until("it has been heard", async () => (await said())[0]?.detail === "claude Notification permission_prompt")
    await home.ok(["session", "sign", "--session", "agent", "claude", "Stop"])
    assert.strictEqual((await said())[0]?.detail, "claude Stop")
    await home.ok(["session", "sign", "codex", '{"type":"agent-turn-complete"}', "--session", "agent"])
    assert.strictEqual((await said())[0]?.detail, "codex agent-turn-complete")
    const wrong = await home.hob(["session", "sign", "claude", "{}", "--session", "agent"])
    assert.deepStrictEqual([wrong.code, /hook_event_name/.test(wrong.stderr)], [1, true])
    const nobody = await home.hob(["session", "sign", "claude", "Stop", "--session", "nobody"])
    assert.strictEqual(nobody.code, 4)
    // Outside a session: an agent's configuration is in force everywhere.
    assert.strictEqual(await home.ok(["session", "sign", "claude"]), "")
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
