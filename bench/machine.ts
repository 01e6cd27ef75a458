/**
 * A call of a device: phone → server → hob → answer, and back; and what it costs to stay in step.
 *
 *     node bench/machine.ts [calls] [rounds] [idle seconds]
 *
 * Against the same server with a bare socket.io client of a process of its own that answers at once. The server stands
 * in this process; it and the phone are the same for both, and the two take turns. The call is `stop-session` of a
 * session that is not there: decrypted, checked, answered, encrypted. hob runs from the build where there is one.
 */
import { type ChildProcess, execFile, fork } from "node:child_process"
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

let bare: ChildProcess | undefined
try {
  await hob("machine", "enable", "--no-http")
  const status = async () =>
    JSON.parse(await hob("machine", "status", "--json")) as { readonly machineId: string; readonly state: string }
  while ((await status()).state !== "ready") await sleep(50)
  const { machineId } = await status()
  bare = fork(join(import.meta.dirname, "support/bareMachine.mjs"), [server.url, phone.token, "bare"])
  await once(bare, "message")
  const params = phone.encryptFor((await phone.machine(machineId))!, { sessionId: "nobody" })

  await timed(machineId, params)
  await timed("bare", params)
  const { daemon: pid } = processesOf(JSON.parse(await hob("status", "--json")) as Status)
  /** Microseconds of processor time for a call, of the process that answers. */
  const measured = async (id: string, pid: number) => {
    const before = usage(pid).cpuSeconds
    const latency = median(await timed(id, params))
    return { latency, cpu: ((usage(pid).cpuSeconds - before) / calls) * 1e6 }
  }
  const results: Array<{ readonly ours: number; readonly theirs: number }> = []
  const processor: Array<{ readonly ours: number; readonly theirs: number }> = []
  for (let round = 0; round < rounds; round++) {
    const ours = await measured(machineId, pid!)
    const theirs = await measured("bare", bare.pid!)
    results.push({ ours: ours.latency, theirs: theirs.latency })
    processor.push({ ours: ours.cpu, theirs: theirs.cpu })
  }
  const ratios = results.map(({ ours, theirs }) => ours / theirs)
  console.log(`${calls} calls a round, ${rounds} rounds, one after the other, Node ${process.version}`)
  console.log(
    `hob   ${spread(
      results.map(({ ours }) => ours),
      0
    )} µs`
  )
  console.log(
    `bare  ${spread(
      results.map(({ theirs }) => theirs),
      0
    )} µs`
  )
  console.log(`ratio ${spread(ratios)} of a bare client's latency`)
  const ofCpu = (of: "ours" | "theirs") =>
    `${spread(
      processor.map((each) => each[of]),
      0
    )} µs`
  console.log(`processor time of who answers: hob ${ofCpu("ours")}, bare ${ofCpu("theirs")}`)

  if (seconds > 0) {
    const { daemon } = processesOf(JSON.parse(await hob("status", "--json")) as Status)
    await sleep(30_000)
    const [first, before] = [usage(daemon!), new Map(server.counts)]
    await sleep(seconds * 1000)
    const last = usage(daemon!)
    const sent = [...server.counts].flatMap(([what, count]) => {
      const more = count - (before.get(what) ?? 0)
      return more === 0 ? [] : [`${more} × ${what}`]
    })
    const share = (((last.cpuSeconds - first.cpuSeconds) / seconds) * 100).toFixed(3)
    console.log(`idle, in step, ${seconds} s: ${sent.join(", ")} and nothing else; ${share} % of a core`)
  }
} finally {
  bare?.kill()
  phone.close()
  await hob("stop", "--all").catch((error: unknown) => console.error(error))
  await server.stop()
  rmSync(home, { recursive: true, force: true })
}
