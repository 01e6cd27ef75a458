import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { connect } from "../../../src/wire/unixSocket.ts"
import { RawClient } from "../../connection/toy.ts"
import { type Home, makeHome } from "../../support/home.ts"
import { needs } from "../../support/needs.ts"

/** `HOB_LOCK_CLOCKS=20 vitest run test/e2e/locks/time.test.ts` for as many as you like. */
const RUNS = Number(process.env["HOB_LOCK_CLOCKS"] ?? 2)
/** The daemon counts whole milliseconds. */
const ROUNDING_MILLIS = 1

const HOUR = 3_600_000
const YEAR = 365.25 * 24 * HOUR

let home: Home
const children: Array<ChildProcess> = []
const clients: Array<RawClient> = []
beforeEach(() => void (home = makeHome()))
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const child of children.splice(0)) child.kill("SIGKILL")
  await home.destroy()
}, 60_000)

const open = async () => {
  const client = new RawClient(await connect(home.paths.socket))
  clients.push(client)
  const answer = async (): Promise<any> => {
    const reply = await client.reply()
    return reply.result ?? reply.error?.data?.[0]?.error ?? reply.error
  }
  const send = (method: string, params: object) => client.request(1, method, params)
  const ask = (method: string, params: object): Promise<any> => {
    send(method, params)
    return answer()
  }
  return { ask, send, answer }
}

/** Starts a daemon whose wall clock, and nothing else, is off by so many milliseconds, as often as it is said. */
const startUnderFakeTime = async () => {
  const file = join(home.paths.home, "..", "clock")
  const set = (millis: number) => {
    writeFileSync(`${file}.new`, `${millis < 0 ? "-" : "+"}${Math.abs(millis / 1000)}\n`)
    renameSync(`${file}.new`, file)
  }
  set(0)
  const preload = execFileSync("faketime", ["-f", "+0", "/bin/sh", "-c", 'echo "$LD_PRELOAD"'], { encoding: "utf8" })
  mkdirSync(home.paths.home, { mode: 0o700 })
  const env = {
    LD_PRELOAD: preload.trim(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    DONT_FAKE_MONOTONIC: "1"
  }
  await home.ok(["start"], { env })
  return set
}

describe("a lease", () => {
  needs("faketime")(
    "is as long as its ttl, whatever becomes of the wall clock",
    async () => {
      const set = await startUnderFakeTime()
      const [one, two] = [await open(), await open()]
      const late: Array<number> = []
      const ttlMillis = 300
      let slowest = 0
      for (let run = 0; run < RUNS; run++) {
        for (const jump of [HOUR, -HOUR, 10 * YEAR, -10 * YEAR]) {
          set(0)
          const from = performance.now()
          const { token } = await one.ask("locks.acquire", { name: "x", holder: "ada", ttlMillis })
          const to = performance.now()
          set(jump)
          const asked = performance.now()
          const { locks } = await one.ask("locks.list", { name: "x" })
          const answered = performance.now()
          if (locks.length === 0) assert.isAtLeast(answered, from + ttlMillis - ROUNDING_MILLIS)
          else {
            const left = locks[0].expiresInMillis
            assert.isAtLeast(left, from + ttlMillis - answered - ROUNDING_MILLIS)
            assert.isAtMost(left, to + ttlMillis - asked + ROUNDING_MILLIS)
          }
          const next = await two.ask("locks.acquire", { name: "x", holder: "bob", waitMillis: 600_000 })
          const given = performance.now()
          assert.isAbove(next.token, token)
          assert.isAtLeast(given, from + ttlMillis - ROUNDING_MILLIS)
          late.push(given - to - ttlMillis)
          // That the clock was set at all.
          const { acquiredAt } = (await two.ask("locks.list", { name: "x" })).locks[0]
          assert.approximately(Date.parse(acquiredAt) - Date.now(), jump, HOUR / 2)
          const before = performance.now()
          await two.ask("locks.release", { name: "x", holder: "bob" })
          slowest = Math.max(slowest, performance.now() - before)
        }
      }
      late.sort((a, b) => a - b)
      console.log(
        `${late.length} leases of ${ttlMillis} ms: the next holder had them ${late[late.length >> 1]!.toFixed(1)} ms after their end in the middle, ${late.at(-1)!.toFixed(1)} ms at most`
      )
      // What a busy machine adds, it does not add every time.
      assert.isAtMost(late[0]!, 50 + 10 * slowest)
    },
    600_000
  )

  it("that a stopped holder has lost is not its to release when it goes on", async () => {
    await home.ok(["start"])
    const next = await open()
    for (let run = 0; run < RUNS; run++) {
      const path = join(import.meta.dirname, "../../locks/children/holder.ts")
      const holder = spawn(process.execPath, [path, home.paths.socket, "x", "lease", "200"], {
        stdio: ["pipe", "pipe", "inherit"],
        env: home.env
      })
      children.push(holder)
      const lines = createInterface(holder.stdout!)[Symbol.asyncIterator]()
      const said = async () => JSON.parse((await lines.next()).value!) as any
      const { token } = (await said()).result
      holder.kill("SIGSTOP")
      const given = await next.ask("locks.acquire", { name: "x", holder: "next", waitMillis: 600_000 })
      assert.isAbove(given.token, token)
      holder.kill("SIGCONT")
      holder.stdin!.write("release\n")
      const { error } = await said()
      assert.deepInclude(error.data[0].error, { _tag: "LockExpired", token })
      const { locks } = await next.ask("locks.list", {})
      assert.deepStrictEqual([locks[0].holder, locks[0].token], ["next", given.token])
      await next.ask("locks.release", { name: "x", holder: "next", token: given.token })
      holder.kill("SIGKILL")
    }
  }, 600_000)
})
