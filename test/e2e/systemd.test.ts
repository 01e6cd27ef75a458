import { isDeepStrictEqual } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { ServiceStatus } from "../../src/cli/render/service.ts"
import type { DaemonStatus } from "../../src/protocol/daemon.ts"
import type { Session } from "../../src/protocol/sessions.ts"
import { until } from "../support/home.ts"
import { skipsForbidden } from "../support/needs.ts"
import { Machine, noMachine } from "../support/machine/Machine.ts"

describe("a machine of its own", () => {
  it("is there, or it is known what it takes", () => {
    assert.match(noMachine ?? "", /^(?:|[\w -]+)$/)
  })
})

// Root, and a kernel that gives namespaces away, is more than a machine that has every program promises: where it can't
// be had, these are not skipped tests but none.
const where = noMachine === null ? describe : skipsForbidden ? () => undefined : describe.skip
const title = `hob as a service of systemd, on a machine of its own${noMachine === null ? "" : ` (needs ${noMachine})`}`

where(title, () => {
  let machine: Machine
  beforeAll(async () => {
    machine = await Machine.boot()
  })
  afterAll(() => machine?.shutdown())

  /** The standard output of a script in a login of its own; it must succeed. */
  const ok = async (script: string): Promise<string> => {
    const { code, stderr, stdout } = await machine.login(script)
    assert.strictEqual(code, 0, `${script}\n${stdout}${stderr}`)
    return stdout
  }
  const json = async <A>(script: string): Promise<A> => JSON.parse(await ok(`${script} --json`)) as A
  const sessions = async () =>
    Object.fromEntries(
      (await json<{ sessions: ReadonlyArray<Session> }>("hob ls --all")).sessions.map(({ exit, name, state }) => [
        name,
        state === "running" ? state : (exit?.signal ?? state)
      ])
    )
  /** Fails with what the daemon and the session-host have to say about it. */
  const areNow = async (expected: Readonly<Record<string, string>>): Promise<void> => {
    const now = await sessions()
    if (isDeepStrictEqual(now, expected)) return
    const { stdout } = await machine.login("tail -n 40 ~/.hob/logs/*.log")
    assert.fail(`the sessions are ${JSON.stringify(now)} and not ${JSON.stringify(expected)}\n${stdout}`)
  }
  const host = async () => (await json<DaemonStatus>("hob status")).sessionHost!.pid
  const groupOf = (pid: number) => ok(`grep ^0:: /proc/${pid}/cgroup`)
  const isUp = async () => (await machine.root("systemctl", "is-active", "user@0.service")).stdout.trim()

  it("is installed from a login: the daemon is systemd's, and so is the socket", async () => {
    assert.match(await ok("hob service install"), /Lingering is off/)
    await machine.root("loginctl", "enable-linger", "root")
    const status = await json<ServiceStatus>("hob service status")
    assert.isTrue(status.linger)
    assert.deepStrictEqual(
      status.units.map(({ active, enabled, name }) => [name, active, enabled]),
      [
        ["hob.socket", true, true],
        ["hob.service", true, true]
      ]
    )
    const { pid } = await json<DaemonStatus>("hob status")
    assert.match(await groupOf(pid), /\/hob\.service$/m)
    assert.strictEqual(status.units[1]!.pid, pid)
    assert.notInclude(await ok("hob service status"), "is not the service's")
  })

  it("its session-host lives in a unit of its own: restarting, stopping or killing the daemon's ends no session", async () => {
    await ok("hob run --detach --name kept -- sh -c 'while :; do echo on; sleep 0.1; done'")
    const pid = await host()
    // The listing first: asking only how it is starts no daemon.
    const isAsBefore = async () => {
      await areNow({ kept: "running" })
      assert.strictEqual(await host(), pid)
    }
    assert.match(await groupOf(pid), /\/hob-host-[0-9a-f]{8}\.scope$/m)
    await ok("systemctl --user restart hob.service")
    await isAsBefore()
    await ok("systemctl --user stop hob.service")
    await isAsBefore()
    await ok("systemctl --user kill --signal=KILL hob.service")
    await isAsBefore()
  })

  it("is started by the first client: hob stop leaves the socket, and hob status starts nothing", async () => {
    await ok("hob stop")
    assert.strictEqual((await machine.login("hob status")).code, 3)
    assert.strictEqual((await machine.login("systemctl --user is-active hob.service")).stdout.trim(), "inactive")
    await areNow({ kept: "running" })
    assert.strictEqual((await ok("systemctl --user is-active hob.service")).trim(), "active")
  })

  it("logged out, with lingering on, every session goes on", async () => {
    const { output } = await json<Session>("hob show kept")
    // Nobody is logged in between two of these calls.
    await until("nobody is logged in", async () =>
      (await machine.root("loginctl", "list-sessions")).stdout.includes("No sessions")
    )
    await until("it has printed more", async () => (await json<Session>("hob show kept")).output.end > output.end + 100)
  })

  it("with lingering off the last logout ends them: shells hang up, and what ignores that is killed", async () => {
    // Each has said so when it is past the moment in which it still heeds what it will not heed.
    await ok(`PS1='here ' hob run --detach --name shell -- bash --norc -i`)
    await ok(`hob run --detach --name deaf -- sh -c 'trap "" TERM HUP; echo deaf; while :; do sleep 0.1; done'`)
    await ok("hob wait shell --match here; hob wait deaf --match deaf")
    await machine.root("loginctl", "disable-linger", "root")
    await until("the user's manager is gone", async () => (await isUp()) === "inactive")
    await areNow({ kept: "SIGTERM", shell: "SIGHUP", deaf: "lost" })
  })

  it("a hand-started daemon that has the home is replaced by the one that systemd starts, and sessions stay", async () => {
    await machine.root("loginctl", "enable-linger", "root")
    await ok("systemctl --user stop hob.socket hob.service; hob run --detach --name mine -- sleep 1000")
    await ok("systemctl --user start hob.socket")
    assert.strictEqual((await sessions())["mine"], "running")
    const { units } = await json<ServiceStatus>("hob service status")
    assert.strictEqual(units[1]!.pid, (await json<DaemonStatus>("hob status")).pid)
  })

  it("is taken away again without a trace, and sessions go on", async () => {
    assert.match(await ok("hob service uninstall"), /1 session goes on in the session-host/)
    assert.strictEqual((await ok("find ~/.config/systemd -name 'hob*'")).trim(), "")
    assert.strictEqual((await machine.login("hob service status")).code, 3)
    assert.strictEqual((await sessions())["mine"], "running")
    assert.notMatch(await groupOf((await json<DaemonStatus>("hob status")).pid), /hob\.service/)
  })
})
