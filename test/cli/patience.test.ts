import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, writeFileSync } from "node:fs"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { isAtWork } from "../../src/cli/patience.ts"
import { type Home, makeHome } from "../support/home.ts"

describe("a daemon that has not answered in time", () => {
  const look = (state: string, ticks: number, pid = 7) => ({ pid, state, ticks })

  it("is at work when it has, or waits for, the processor; one that sleeps, is stopped or gone is not", () => {
    assert.isTrue(isAtWork(look("S", 100), look("S", 120)))
    assert.isTrue(isAtWork(look("S", 100), look("R", 100)))
    assert.isTrue(isAtWork(look("S", 100), look("S", 3, 8)))
    assert.isFalse(isAtWork(look("S", 100), look("S", 101)))
    assert.isFalse(isAtWork(look("S", 100), look("T", 100)))
    assert.isFalse(isAtWork(look("S", 100), null))
  })
})

/** Answers once it has had more than three seconds of the processor: later than is waited for at first. */
const busy = `
const { createServer } = require("node:net")
const spent = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000 }
createServer((socket) => {
  socket.on("error", () => {})
  socket.once("data", () => {
    while (spent() < 3300);
    socket.write('{"jsonrpc":"2.0","id":1,"result":{"settings":[]}}\\n')
  })
}).listen(process.argv[1], () => console.log("listening"))
`

describe.runIf(process.platform === "linux")("a daemon that is busy", () => {
  let home: Home
  let daemon: ChildProcess
  beforeEach(async () => {
    home = makeHome()
    mkdirSync(home.paths.run, { recursive: true, mode: 0o700 })
    daemon = spawn(process.execPath, ["-e", busy, home.paths.socket], { stdio: ["ignore", "pipe", "inherit"] })
    await once(daemon.stdout!, "data")
    const record = { pid: daemon.pid, startedAt: "2026-01-01T00:00:00.000Z", socket: home.paths.socket }
    writeFileSync(home.paths.lockInfo, JSON.stringify(record))
  })
  afterEach(async () => {
    daemon.kill("SIGKILL")
    await home.destroy()
  })

  it("is waited for, as it does not hang", async () => {
    const { code, stderr } = await home.hob(["config", "show"])
    assert.deepStrictEqual([code, stderr], [0, ""])
  })
})
