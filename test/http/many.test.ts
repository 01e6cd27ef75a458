import { request, Agent } from "node:http"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as bare from "../../src/client/wire/bare.ts"
import { usageOf } from "./usage.ts"
import { serveHome, type Served } from "./support.ts"

const COUNT = Number(process.env["HOB_HTTP_REQUESTS"] ?? 5000)

/** Far more at once than anybody means. */
describe("many at once", { timeout: 240_000 }, () => {
  let served: Served
  beforeAll(async () => {
    served = await serveHome()
  })
  afterAll(() => served?.home.destroy())

  it(`${COUNT} requests on as many connections are all answered, and nobody else waits for them to be`, async () => {
    const { port, token } = served
    const pid = await served.home.daemonPid()
    const client = await bare.open(served.home.paths.socket)
    const before = usageOf(pid).residentMebibytes
    const agent = new Agent({ maxSockets: Infinity })
    const statuses = new Map<number | string, number>()
    const count = (status: number | string) => void statuses.set(status, (statuses.get(status) ?? 0) + 1)
    const one = (n: number) =>
      new Promise<void>((done) => {
        // Some start something, most look.
        const isStart = n % 500 === 0
        const body = JSON.stringify({
          directory: served.directory,
          command: ["true"],
          idempotencyKey: `start-${n % 1000}`
        })
        const headers = { authorization: `Bearer ${token}`, ...(isStart ? { "content-type": "application/json" } : {}) }
        const asked = request(
          { port, host: "127.0.0.1", path: "/sessions", method: isStart ? "POST" : "GET", headers, agent },
          (answer) => {
            answer.resume().on("end", () => {
              count(answer.statusCode!)
              done()
            })
          }
        )
        asked.on("error", (error: NodeJS.ErrnoException) => {
          count(error.code ?? error.message)
          done()
        })
        asked.end(isStart ? body : undefined)
      })
    const all = Promise.all(Array.from({ length: COUNT }, (_, n) => one(n)))
    for (let pings = 0; pings < 20; pings++)
      assert.deepStrictEqual(await client.call("daemon.ping", {}), { pong: true })
    await all
    const { body } = await served.ask({ path: "/sessions?all=true" })
    agent.destroy()
    client.close()
    assert.strictEqual(statuses.get(200)! + statuses.get(201)!, COUNT, JSON.stringify([...statuses]))
    // Two keys: two sessions, however many asked.
    assert.strictEqual(body.sessions.length, 2)
    assert.strictEqual(statuses.get(201), 2)
    const grown = usageOf(pid).residentMebibytes - before
    assert.isBelow(grown, 400)
    assert.strictEqual(await served.home.daemonPid(), pid)
  })
})
