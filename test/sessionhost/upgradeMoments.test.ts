import { readdirSync, writeFileSync } from "node:fs"
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { isLocked } from "../../src/config/exclusiveLock.ts"
import type { HelloReply, HostSession } from "../../src/protocol/sessionHost.ts"
import { inPlaceUnavailable } from "../../src/sessionhost/upgrade/check.ts"
import { spawnRequest } from "./support/host.ts"
import { until } from "../support/home.ts"
import { HostHome, open, run, statOf } from "./support/hostProcess.ts"
import { upgrade, variant } from "./support/upgrading.ts"

const MIB = 1024 * 1024

describe.runIf(inPlaceUnavailable() === null)("what is under way while the session-host replaces itself", () => {
  it(
    "programs that end before, during and after it: each is told with its own code",
    { timeout: 240_000 },
    async () => {
      await using home = new HostHome()
      const host = (await home.start())!
      const control = await host.control()
      let during = 0
      for (let round = 0; round < 6; round++) {
        const go = join(home.home, `go-${round}`)
        const begin = `while [ ! -e ${go} ]; do sleep 0.1; done`
        const ends = Array.from({ length: 40 }, (_, n) => ({ code: n + 1, seconds: (n * 0.05).toFixed(2) }))
        const started = await Promise.all(
          ends.map(async ({ code, seconds }, n) => {
            const end = n % 4 === 3 ? "kill -15 $$" : `echo bye; exit ${code}`
            const session = await run(control, ["sh", "-c", `${begin}; sleep ${seconds}; ${end}`], {
              kind: n % 5 === 4 ? "pipe" : "pty"
            })
            return { session, expected: n % 4 === 3 ? { signal: "SIGTERM" } : { code } }
          })
        )
        const before = control.events.length
        writeFileSync(go, "")
        const hello = await upgrade(control)
        during += hello.sessions.length === 40 ? 0 : control.events.slice(before).length
        for (const { expected, session } of started) {
          const closed = await control.event("closed", session.id)
          assert.deepInclude(closed.session.exit, expected)
          assert.isNull(statOf(session.pid!))
        }
      }
      assert.isAbove(during, 0)
    }
  )

  it("programs that end in the very moment, which is made long here: each is told with its own code", async () => {
    await using home = new HostHome()
    const now = join(home.home, "now")
    const moment = `require("node:fs").writeFileSync(${JSON.stringify(now)}, "")
      for (const end = Date.now() + 1_500; Date.now() < end;);`
    const slow = variant(home, [
      [
        "sessionhost/upgrade/Upgrade.ts",
        "const handover = this.#describe(to)\n",
        `${moment}const handover = this.#describe(to)\n`
      ],
      [
        "sessionhost/upgrade/Upgrade.ts",
        "type Request =",
        "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)\ntype Request ="
      ]
    ])
    await using slowHome = new HostHome(undefined, [slow])
    const host = (await slowHome.start())!
    const control = await host.control()
    const ends = Array.from({ length: 20 }, (_, n) => n + 1)
    const started = await Promise.all(
      ends.map((code) =>
        run(control, ["sh", "-c", `while [ ! -e ${now} ]; do sleep 0.01; done; echo bye; exit ${code}`], {
          kind: code % 4 === 0 ? "pipe" : "pty"
        })
      )
    )
    const followers = await Promise.all(
      started.map(({ id }) => open(slowHome.paths, control, id, { mode: "follow", since: 0 }))
    )
    await upgrade(control)
    for (const [index, session] of started.entries()) {
      const closed = await control.event("closed", session.id)
      assert.deepInclude(closed.session.exit, { code: index + 1, signal: null })
      await followers[index]!.whenClosed()
      assert.match(followers[index]!.output.toString(), /^bye\r?\n$/)
      assert.strictEqual(followers[index]!.exited?.code, index + 1)
    }
  })

  it("a kill: who asked is answered when it is done, by the successor", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const stubborn = await run(control, ["sh", "-c", 'trap "" TERM; echo on; while :; do sleep 1; done'])
    const polite = await run(control, ["sh", "-c", 'trap "sleep 3; exit 5" TERM; echo on; while :; do sleep 0.1; done'])
    for (const { id } of [stubborn, polite]) {
      const client = await open(home.paths, control, id)
      await client.until(() => client.output.includes("on"))
      client.socket.destroy()
    }
    const began = performance.now()
    const kills = [
      control.ask("kill", { session: stubborn.id, signal: "TERM", graceMillis: 4_000 }),
      control.ask("kill", { session: polite.id, signal: "TERM", graceMillis: 60_000 })
    ]
    await upgrade(control)
    const [first, second] = await Promise.all(kills)
    assert.strictEqual(first!.exit?.signal, "SIGKILL")
    assert.strictEqual(second!.exit?.code, 5)
    // The grace goes on where it was.
    assert.isAtLeast(performance.now() - began, 4_000)
  })

  it("requests: those sent before, in the middle and right behind it are all answered, once and in order", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const session = await run(control, ["cat"], { kind: "pipe" })
    const client = await open(home.paths, control, session.id)
    let n = 0
    const send = () => control.ask("send", { session: session.id, data: Buffer.from(`${n++}\n`).toString("base64") })
    const sends = [send(), send()]
    const rounds = { over: false }
    const upgraded = upgrade(control).finally(() => (rounds.over = true))
    const spawned: Array<Promise<HostSession>> = []
    while (!rounds.over) {
      sends.push(send())
      if (n % 50 === 0) spawned.push(control.ask("spawn", spawnRequest(randomUUID(), {}, ["sh", "-c", "exit 9"])))
      await Promise.race([upgraded, new Promise((resolve) => setTimeout(resolve, 1))])
    }
    sends.push(send())
    await Promise.all(sends)
    for (const one of await Promise.all(spawned)) {
      assert.strictEqual((await control.event("closed", one.id)).session.exit?.code, 9)
    }
    const expected = Array.from({ length: n }, (_, index) => `${index}\n`).join("")
    await client.until(() => client.output.length >= expected.length)
    assert.strictEqual(client.output.toString(), expected)
  })

  it(
    "input that the program has not read, a mebibyte of it and more that a client still sends, arrives whole",
    { timeout: 120_000 },
    async () => {
      await using home = new HostHome()
      const host = (await home.start())!
      const control = await host.control()
      const lines = Array.from({ length: 2048 }, (_, index) => `${String(index).padStart(1023, ".")}\n`)
      const all = Buffer.from(lines.join(""))
      const deaf = "echo ready; trap 'exec cat' USR1; while :; do sleep 0.1 </dev/null; done"
      const typed = await Promise.all(
        (["pty", "pipe"] as const).map(async (kind) => {
          const session = await run(control, ["sh", "-c", `${kind === "pty" ? "stty raw -echo; " : ""}${deaf}`], {
            kind
          })
          const client = await open(home.paths, control, session.id)
          await client.until(() => client.output.includes("ready"))
          // The first mebibyte fills the queue; of the second no more is read than has to be.
          client.type(all.subarray(0, MIB))
          client.type(all.subarray(MIB))
          return { session, client }
        })
      )
      for (let round = 0; round < 3; round++) await upgrade(control)
      for (const { client, session } of typed) {
        process.kill(session.pid!, "SIGUSR1")
        const expected = Buffer.concat([Buffer.from("ready\n"), all])
        await client.until(() => client.bytes >= expected.length)
        assert.isTrue(client.output.equals(expected), session.kind)
        client.type(session.kind === "pty" ? "more" : "more\n")
        await client.until(() => client.output.subarray(expected.length).includes("more"))
      }
    }
  )

  it("sizes: they can be set afterwards, and everybody is told of them", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const script = "trap 'stty size' WINCH; echo on; while :; do sleep 0.05; done"
    const session = await run(control, ["sh", "-c", script])
    const client = await open(home.paths, control, session.id, { since: 0, cols: 90, rows: 30 })
    await client.until(() => client.output.includes("on"))
    await upgrade(control)
    client.resize(100, 40)
    await client.until(() => client.output.includes("40 100"))
    await upgrade(control)
    await control.ask("resize", { session: session.id, cols: 132, rows: 50 })
    await client.until(() => client.output.includes("50 132"))
    assert.deepStrictEqual(client.sizes.map(({ cols, rows }) => `${cols}x${rows}`).slice(-2), ["100x40", "132x50"])
    assert.deepStrictEqual(client.misplaced, [])
  })

  it(
    "the lock and the socket: nobody else can be the host, and nobody is turned away",
    { timeout: 120_000 },
    async () => {
      await using home = new HostHome()
      const host = (await home.start())!
      const control = await host.control()
      await run(control, ["sh", "-c", "read line"])
      const rounds = { over: false }
      let free = 0
      let looks = 0
      const competing = (async () => {
        while (!rounds.over) {
          // As another process would see it: our own process has no lock on it.
          if (!isLocked(home.paths.hostLock)) free++
          looks++
          assert.isNull(await home.start())
        }
      })()
      const connecting = (async () => {
        let connected = 0
        while (!rounds.over) {
          const other = await host.control()
          assert.strictEqual((await other.ask<HelloReply>("hello", { protocol: 2, daemonPid: 1 })).pid, host.pid)
          other.socket.destroy()
          connected++
        }
        return connected
      })()
      for (let round = 0; round < 4; round++) await upgrade(control)
      rounds.over = true
      await competing
      assert.isAbove(await connecting, 3)
      assert.isAbove(looks, 1)
      assert.strictEqual(free, 0)
    }
  )

  it("leaves no descriptor behind, and no program gets one that is not its own", { timeout: 120_000 }, async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const sessions = [await run(control, ["cat"]), await run(control, ["cat"], { kind: "pipe" })]
    const followed = await open(home.paths, control, sessions[0]!.id)
    const descriptors = () => readdirSync(`/proc/${host.pid}/fd`).length
    const upgradeWhole = async () => {
      await upgrade(control)
      // By then the screens process has its connection.
      await control.request("screens", { request: null })
    }
    await upgradeWhole()
    const first = descriptors()
    for (let round = 0; round < 4; round++) await upgradeWhole()
    await until("nothing more is open than before", () => descriptors() <= first)
    const later = await run(control, ["sh", "-c", "ls -m /proc/$$/fd; echo .; read line"])
    const pipes = await run(control, ["sh", "-c", "ls -m /proc/$$/fd; echo .; read line"], { kind: "pipe" })
    for (const { id } of [later, pipes]) {
      const client = await open(home.paths, control, id)
      await client.until(() => client.output.includes("."))
      // A shell may have one of its own.
      assert.match(client.output.toString(), /^0, 1, 2(, 10|, 255)?\r?\n\./)
    }
    assert.isFalse(followed.closed)
  })
})
