/**
 * A call of a device: phone → server → hob → answer, and back; and what it costs to stay in step.
 *
 *     node bench/machine.ts [calls] [rounds] [idle seconds]
 *
 * Against the same server with a bare socket.io client of a process of its own that answers at once. The server stands
 * in this process; it and the phone are the same for all, and they take turns. The call is `stop-session` of a session
 * that is not there: decrypted, checked, answered, encrypted. hob runs from the build where there is one.
 *
 * The bare client does less than can be done: it sends back what it was sent, and knows no key. How much of the
 * difference is the encryption shows a second one, which decrypts each call and encrypts its answer as hob does. Both
 * are sessions of the kernel's as the daemon is. The first rounds are told apart: they are measured while V8 compiles.
 */
import { type ChildProcess, execFile, fork } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { HappyServer } from "../test/support/happyServer/HappyServer.ts"
import { Phone } from "../test/support/happyServer/Phone.ts"
import { processesOf, type Status, usage } from "./support/processes.ts"
import { median, spread } from "./support/statistics.ts"

const [calls, rounds, seconds] = [2, 3, 4].map((index, at) => Number(process.argv[index] ?? [3000, 7, 120][at])) as [
  number,
  number,
  number
]
/** Rounds that go before: V8 compiles what a daemon runs later than it does a program of twenty lines. */
const WARM_UP = 5
const home = mkdtempSync(join(tmpdir(), "hob-bench-"))
const run = promisify(execFile)
const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

const server = await HappyServer.start()
const phone = await Phone.login(server.url)
const env = { PATH: process.env["PATH"], HOME: home, HOB_HOME: join(home, "h"), HAPPY_SERVER_URL: server.url }
const hob = async (...args: ReadonlyArray<string>) =>
  (await run(join(import.meta.dirname, "../bin/hob"), args, { env, cwd: home })).stdout
mkdirSync(join(home, "h", "machine"), { recursive: true, mode: 0o700 })
writeFileSync(join(home, "h", "machine", "access.key"), phone.legacyAccessKey, { mode: 0o600 })

/** Microseconds for one call after the other: each call's own time. */
const timed = async (machineId: string, params: string): Promise<ReadonlyArray<number>> => {
  const times: Array<number> = []
  for (let call = 0; call < calls; call++) {
    const began = performance.now()
    const { ok } = await phone.callRaw(machineId, "stop-session", params)
    if (!ok) throw new Error("a call was not answered")
    times.push((performance.now() - began) * 1000)
  }
  return times
}

const bare: Array<ChildProcess> = []
try {
  await hob("machine", "enable", "--no-http")
  const status = async () =>
    JSON.parse(await hob("machine", "status", "--json")) as { readonly machineId: string; readonly state: string }
  while ((await status()).state !== "ready") await sleep(50)
  const { machineId } = await status()
  const { daemon: pid } = processesOf(JSON.parse(await hob("status", "--json")) as Status)
  const who = [{ name: "hob", id: machineId, pid: pid! }]
  for (const [name, ...secret] of [["bare"], ["bare with a key", phone.secret.toString("base64")]] as const) {
    const id = randomUUID()
    const child = fork(join(import.meta.dirname, "support/bareMachine.mjs"), [server.url, phone.token, id, ...secret], {
      // As the daemon is: the kernel shares out a busy machine by sessions.
      detached: true
    })
    bare.push(child)
    await once(child, "message")
    who.push({ name, id, pid: child.pid! })
  }
  const params = phone.encryptFor((await phone.machine(machineId))!, { sessionId: "nobody" })

  /** Microseconds: of a call, and of processor time for it, of the process that answers. */
  const measured = async ({ id, pid }: (typeof who)[number]) => {
    const before = usage(pid).cpuSeconds
    const latency = median(await timed(id, params))
    return { latency, processor: ((usage(pid).cpuSeconds - before) / calls) * 1e6 }
  }
  const measuredInTurns = async (rounds: number) => {
    const results = who.map(() => [] as Array<Awaited<ReturnType<typeof measured>>>)
    for (let round = 0; round < rounds; round++)
      for (const [index, each] of who.entries()) results[index]!.push(await measured(each))
    return results
  }
  const early = await measuredInTurns(WARM_UP)
  const results = await measuredInTurns(rounds)
  console.log(`${calls} calls a round, ${rounds} rounds, one after the other, Node ${process.version}`)
  for (const [index, { name }] of who.entries()) {
    const of = (what: "latency" | "processor") => results[index]!.map((each) => each[what])
    console.log(`${name.padEnd(15)} ${spread(of("latency"), 0)} µs, processor time ${spread(of("processor"), 0)} µs`)
  }
  for (const other of [1, 2]) {
    const ratios = (of: typeof results) => of[0]!.map(({ latency }, round) => latency / of[other]![round]!.latency)
    const first = ratios(early)[0]!.toFixed(2)
    console.log(
      `ratio ${spread(ratios(results))} of the latency of ${who[other]!.name}; of the first ${calls} ${first}`
    )
  }

  if (seconds > 0) {
    // What is left to do of the calls is not idleness.
    for (const child of bare) child.kill()
    await sleep(30_000)
    const [first, before] = [usage(pid!), new Map(server.counts)]
    await sleep(seconds * 1000)
    const last = usage(pid!)
    const sent = [...server.counts].flatMap(([what, count]) => {
      const more = count - (before.get(what) ?? 0)
      return more === 0 ? [] : [`${more} × ${what}`]
    })
    const share = (((last.cpuSeconds - first.cpuSeconds) / seconds) * 100).toFixed(3)
    console.log(`idle, in step, ${seconds} s: ${sent.join(", ")} and nothing else; ${share} % of a core`)
  }
} finally {
  for (const child of bare) child.kill()
  phone.close()
  await hob("stop", "--all").catch((error: unknown) => console.error(error))
  await server.stop()
  rmSync(home, { recursive: true, force: true })
}
