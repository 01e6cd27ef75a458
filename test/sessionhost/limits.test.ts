import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { ownHierarchies, baseOf, sessionGroup } from "../../src/config/cgroups.ts"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { Cgroups } from "../../src/sessionhost/cgroup/Cgroups.ts"
import { libc } from "../../src/sessionhost/libc.ts"
import { Limits } from "../../src/sessionhost/Limits.ts"
import { posixSpawn } from "../../src/sessionhost/posixSpawn.ts"
import { programs } from "../../src/sessionhost/programs.ts"
import { processes } from "./program/run.ts"
import { spawnRequest, TestHost } from "./support/host.ts"

const MiB = 1024 * 1024
const noCgroups = () => new Cgroups(() => [])

/** What the kernel would hold here. */
const held = (() => {
  const id = randomUUID()
  const cgroups = new Cgroups()
  const { held } = cgroups.make(id, { memoryBytes: 64 * MiB, cpuPercent: 50, processes: 10 })
  cgroups.of(id)
  cgroups.release(id)
  return held
})()

const begin = async (
  host: TestHost,
  script: string,
  limits: HostSession["limits"],
  kind: HostSession["kind"] = "pipe"
) => {
  const id = randomUUID()
  const request = spawnRequest(id, { kind }, ["/bin/sh", "-c", script])
  const session = await host.control.ask("spawn", { ...request, session: { ...request.session, limits } })
  return { id, session }
}

const ending = async (
  host: TestHost,
  id: string,
  has: (session: HostSession) => boolean = ({ closedAt }) => closedAt !== null
): Promise<HostSession> => {
  for (;;) {
    const session: HostSession = await host.control.ask("inspect", { session: id })
    if (has(session)) return session
    await new Promise((again) => setTimeout(again, 20))
  }
}

const start = (cgroups: Cgroups) => TestHost.start({ programs, limits: new Limits(cgroups) })

/** Keeps in memory whatever it reads. */
const greedy = "(head -c 400M /dev/zero; sleep 1000) | tail"

const processLimit = (pid: number): number =>
  Number(/^Max processes\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "latin1"))?.[1] ?? Infinity)

describe.runIf(libc() !== null)("a session whose processes are only counted now and then", () => {
  it("can't fork more meanwhile than the machine bears, whoever else forks; nobody else is held to that", async () => {
    await using host = await start(noCgroups())
    const own = processLimit(process.pid)
    const { session } = await begin(host, "sleep 1000", { processes: 10 })
    assert.strictEqual(session.limitedBy?.processes, "watcher")
    const most = processLimit(session.pid!)
    assert.isAtLeast(most, 10 + 1024)
    assert.isBelow(most, 20_000)
    assert.strictEqual(processLimit(process.pid), own)
    const free = await begin(host, "sleep 1000", {})
    assert.strictEqual(processLimit(free.session.pid!), own)
    for (const { id } of [session, free]) {
      await host.control.ask("kill", { session: id, signal: "SIGKILL", graceMillis: 0 })
    }
  })

  it("is ended as a whole when it forks a lot at once, each in a session of its own", async () => {
    await using host = await start(noCgroups())
    const name = `bomb${randomUUID().slice(0, 8)}`
    // Bounded all the same, should nobody end it.
    const fork = `for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5 6 7 8 9; do setsid sh -c '(sleep 1000; : ${name}) & (sleep 1000; : ${name}) & wait' & done; sleep 0.1; done`
    const { id } = await begin(host, `${fork}; sleep 1000`, { processes: 20 })
    const { exit } = await ending(host, id)
    assert.strictEqual(exit?.reason, "process-limit")
    const kill = await host.control.request("kill", { session: id, signal: "SIGKILL", graceMillis: 0 })
    assert.strictEqual(kill.error?.code, "ended")
    assert.isEmpty(processes().filter(({ command }) => command.includes(name)))
  })
})

describe("a session with limits", () => {
  it.skipIf(!held.has("memoryBytes"))("is ended by the kernel when it uses more memory, and says so", async () => {
    await using host = await start(new Cgroups())
    const { id, session } = await begin(host, greedy, { memoryBytes: 64 * MiB })
    assert.strictEqual(session.limitedBy?.memory, "cgroup")
    const { exit } = await ending(host, id)
    assert.strictEqual(exit?.reason, "memory-limit")
    // The kernel may end what the shell runs next, too, before the session is ended: then the shell tells of that.
    assert.include(["SIGKILL", 128 + constants.signals.SIGKILL], exit?.signal ?? exit?.code)
  })

  it("is ended by the session-host where the kernel does not count, and says so", async () => {
    await using host = await start(noCgroups())
    const { id, session } = await begin(host, greedy, { memoryBytes: 64 * MiB })
    assert.strictEqual(session.limitedBy?.memory, "watcher")
    const { exit } = await ending(host, id)
    assert.deepStrictEqual([exit?.signal, exit?.reason], ["SIGKILL", "memory-limit"])
  })

  // node-pty must not meet the limit while it forks.
  const kinds: ReadonlyArray<HostSession["kind"]> = posixSpawn() === null ? ["pipe"] : ["pipe", "pty"]

  it.skipIf(!held.has("processes")).each(kinds)(
    "gets no more processes than it may have, from the kernel, from its first moment on: %s",
    async (kind) => {
      await using host = await start(new Cgroups())
      for (let round = 0; round < 4; round++) {
        const { id, session } = await begin(host, crowd, { processes: 8 }, kind)
        try {
          assert.strictEqual(session.limitedBy?.processes, "cgroup")
          const { exit } = await ending(host, id, (session) => session.exit !== null)
          // The shell could not fork, and says so by its exit code.
          assert.isAbove(exit?.code ?? 0, 0)
          assert.strictEqual(exit?.reason, null)
        } finally {
          await host.control.request("kill", { session: id, signal: "KILL", graceMillis: 0 })
        }
      }
    }
  )

  it.skipIf(!held.has("processes")).each(kinds)(
    "gets as many processes as it may have, from the kernel, from its first moment on: %s",
    async (kind) => {
      await using host = await start(new Cgroups())
      for (let round = 0; round < 4; round++) {
        const { id } = await begin(host, `${crowd}; exit 7`, { processes: 17 }, kind)
        try {
          const { exit } = await ending(host, id, (session) => session.exit !== null)
          assert.strictEqual(exit?.code, 7)
        } finally {
          await host.control.request("kill", { session: id, signal: "KILL", graceMillis: 0 })
        }
      }
    }
  )

  it("is ended with more processes than it may have where the kernel does not count", async () => {
    await using host = await start(noCgroups())
    const { id, session } = await begin(host, `${crowd}; wait`, { processes: 8 })
    assert.strictEqual(session.limitedBy?.processes, "watcher")
    const { exit } = await ending(host, id)
    assert.deepStrictEqual([exit?.signal, exit?.reason], ["SIGKILL", "process-limit"])
  })

  it.skipIf(!held.has("cpuPercent"))("gets no more processor time than it may have", async () => {
    await using host = await start(new Cgroups())
    const { id, session } = await begin(host, "while :; do :; done", { cpuPercent: 10 })
    assert.strictEqual(session.limitedBy?.cpu, "cgroup")
    const own = ownHierarchies().find(
      ({ controllers, version }) => version === 2 || controllers.some((name) => name === "cpu")
    )!
    const stat = join(baseOf(own.own), sessionGroup(id), "cpu.stat")
    while (!/^nr_throttled [1-9]/m.test(readFileSync(stat, "utf8"))) await new Promise((again) => setTimeout(again, 20))
    await host.control.ask("kill", { session: id, signal: "KILL", graceMillis: 0 })
  })

  it("is refused when nothing here can hold its limit", async () => {
    await using host = await start(noCgroups())
    const request = spawnRequest(randomUUID(), { kind: "pipe" }, ["/bin/sh", "-c", "exit"])
    const session = { ...request.session, limits: { cpuPercent: 50 } }
    const { error } = await host.control.request("spawn", { ...request, session })
    assert.strictEqual(error?.spawn?.reason, "limit-unavailable")
    assert.match(error!.message, /cgroup with the cpu controller/)
    assert.strictEqual((await host.control.request("inspect", { session: session.id })).error?.code, "unknown-session")
  })

  it("says what holds each of its limits also to the next daemon, and to the one after its end", async () => {
    await using host = await start(noCgroups())
    const { id } = await begin(host, "read -r _", { memoryBytes: 512 * MiB, processes: 100, ttlMillis: 60_000 })
    await host.control.ask("send", { session: id, data: "Cg==" })
    const { limitedBy, limits } = await ending(host, id)
    assert.deepStrictEqual(limits, { memoryBytes: 512 * MiB, processes: 100, ttlMillis: 60_000 })
    assert.deepStrictEqual(limitedBy, { memory: "watcher", processes: "watcher" })
  })
})

const crowd = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 1000 & done"
