import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { Delivery } from "../../src/protocol/webhooks.ts"
import { type Home, makeHome, until } from "../support/home.ts"
import { quietPort } from "../support/port.ts"
import { type Answer, hmac, post } from "../webhooks/support.ts"

/** `HOB_WEBHOOK_KILLS=50 vitest run test/e2e/webhooks.test.ts` for as many as you like. */
const KILLS = Number(process.env["HOB_WEBHOOK_KILLS"] ?? 4)
const SENDERS = Number(process.env["HOB_WEBHOOK_SENDERS"] ?? 60)

let home: Home
let port: number
let runs: string

beforeEach(async () => {
  home = makeHome()
  runs = join(home.paths.home, "..", "runs")
  appendFileSync(runs, "")
  const module = join(home.paths.home, "..", "hooks.ts")
  writeFileSync(
    module,
    `import { appendFileSync } from "node:fs"
     export const once = async ({ id }) => {
       appendFileSync(${JSON.stringify(runs)}, id + "\\n")
       await new Promise((done) => setTimeout(done, 20))
       return id
     }
     export const again = once
     export const fails = () => { throw new Error("no such branch") }`
  )
  port = await quietPort()
  await restart()
  await home.ok(["methods", "add", module])
}, 60_000)
afterEach(async () => {
  await home.destroy()
}, 60_000)

const restart = async (...settings: ReadonlyArray<string>) => {
  const all = ["webhooks.enabled=true", `webhooks.port=${port}`, "webhooks.perMinuteCount=0", ...settings]
  await home.ok(["start", ...all.flatMap((setting) => ["-c", setting])])
}

const send = (method: string, id: string): Promise<Answer> =>
  post(port, {
    path: `/webhook/${method}`,
    body: JSON.stringify({ id }),
    headers: [
      ["X-Webhook-Secret", "s"],
      ["Idempotency-Key", id]
    ]
  })

/** As senders do: again and again until there is an answer that means that it has arrived. */
const insist = async (method: string, id: string): Promise<Answer> => {
  for (;;) {
    const answer = await send(method, id)
    if (answer.status >= 200 && answer.status < 300) return answer
    assert.include([0, 503, 500], answer.status, answer.text)
    await new Promise((again) => setTimeout(again, 20))
  }
}

const runsOf = (id: string): number =>
  readFileSync(runs, "utf8")
    .split("\n")
    .filter((line) => line === id).length

const ended = async (): Promise<ReadonlyArray<Delivery>> => {
  let deliveries: ReadonlyArray<Delivery> = []
  await until("every delivery has ended", async () => {
    ;({ deliveries } = await home.json<{ deliveries: ReadonlyArray<Delivery> }>([
      "webhook",
      "deliveries",
      "--limit",
      "1000"
    ]))
    return deliveries.every(({ state }) => state !== "pending" && state !== "running")
  })
  return deliveries
}

describe("a delivery", () => {
  it(`is run once, however often it is sent and whenever hob is killed (${KILLS} kills, ${SENDERS} senders)`, async () => {
    await home.ok(["webhook", "allow", "once", "--secret", "s"])
    await home.ok(["webhook", "allow", "again", "--secret", "s", "--guarantee", "at-least-once"])
    for (let round = 0; round < KILLS; round++) {
      const method = round % 2 === 0 ? "once" : "again"
      const id = `${method}-${round}`
      const all = Array.from({ length: SENDERS }, () => insist(method, id))
      // Before it is on record, while it is put there, while it runs, and after.
      const moment = (round * 7) % 30
      await new Promise((then) => setTimeout(then, moment))
      await home.killDaemon()
      await restart()
      for (const { status } of await Promise.all(all)) assert.isTrue(status >= 200 && status < 300)
      const delivery = (await ended()).find(({ senderId }) => senderId === id)!
      const count = runsOf(id)
      if (method === "again") {
        assert.strictEqual(delivery.state, "succeeded")
        assert.isAtLeast(count, 1)
      } else {
        assert.isAtMost(count, 1)
        // Begun, and nobody knows how far it got: that is said, and not tried again.
        assert.strictEqual(delivery.state, count === 1 && delivery.error === null ? "succeeded" : "interrupted")
      }
    }
  }, 600_000)

  it("that is on record when hob is killed, and was not run, is run at the next start", async () => {
    const module = join(home.paths.home, "..", "later.ts")
    writeFileSync(
      module,
      `export const never = () => new Promise(() => {})
       export const later = ({ id }) => "done " + id`
    )
    await home.ok(["methods", "add", module])
    await home.ok(["stop"])
    await restart("webhooks.maxRunningCount=1", "webhooks.answerMillis=0")
    for (const method of ["never", "later"]) await home.ok(["webhook", "allow", method, "--secret", "s"])
    // Behind that one nothing is run.
    assert.strictEqual((await insist("never", "first")).status, 202)
    for (const id of ["a", "b", "c"]) assert.strictEqual((await insist("later", id)).status, 202)
    await home.killDaemon()
    await restart()
    assert.deepStrictEqual((await ended()).map(({ result, state }) => [state, result]).toReversed(), [
      ["interrupted", null],
      ...["a", "b", "c"].map((id) => ["succeeded", `done ${id}`])
    ])
  })
})

describe("hob webhook", () => {
  it("allows, lists, tests, shows, replays and removes", async () => {
    const allowed = await home.ok(["webhook", "allow", "once", "--github"])
    assert.match(allowed, new RegExp(`^http://127\\.0\\.0\\.1:${port}/webhook/once\\nsecret: [\\w-]{43}\\n$`))
    const secret = /secret: (.*)/.exec(allowed)![1]!
    const body = '{"id":"x"}'
    const signed = [["X-Hub-Signature-256", `sha256=${hmac(secret, body)}`]] as const
    assert.strictEqual((await post(port, { path: "/webhook/once", body, headers: signed })).status, 200)
    assert.strictEqual((await post(port, { path: "/webhook/once", body })).status, 401)
    const listed = await home.ok(["webhook", "ls"])
    assert.notInclude(listed, secret)
    assert.match(listed, /once +github +1 +\/webhook\/once +\S+ ago: 401 /)
    assert.notInclude(await home.ok(["webhook", "ls", "--json"]), secret)
    assert.strictEqual(await home.ok(["webhook", "test", "once", '{"id":"y"}']), '200 {"success":true,"data":"y"}\n')
    assert.strictEqual(await home.ok(["webhook", "replay", "1"]), '"x"\n')
    assert.strictEqual(runsOf("x"), 2)
    const shown = await home.ok(["webhook", "show", "1"])
    assert.include(shown, body)
    assert.notInclude(shown, hmac(secret, body))
    await home.ok(["webhook", "rm", "once"])
    assert.strictEqual((await post(port, { path: "/webhook/once", body, headers: signed })).status, 404)
    const log = readFileSync(home.paths.daemonLog, "utf8")
    assert.notInclude(log, secret)
  }, 300_000)

  it("takes secrets from standard input, files and variables, and never shows them", async () => {
    const file = join(home.paths.home, "..", "secret")
    writeFileSync(file, "from a file\nmore\n")
    await home.ok(["webhook", "allow", "once", "--secret", "-"], { input: "from stdin\n" })
    const answers = async (secret: string) =>
      (await post(port, { path: "/webhook/once", body: '{"id":"z"}', headers: [["X-Webhook-Secret", secret]] })).status
    assert.strictEqual(await answers("from stdin"), 200)
    await home.ok(["webhook", "allow", "once", "--secret", `file:${file}`, "--secret", "env:HOOK"], {
      env: { HOOK: "from env" }
    })
    assert.deepStrictEqual(
      [await answers("from a file"), await answers("from env"), await answers("from stdin")],
      [200, 200, 401]
    )
    await home.ok(["webhook", "allow", "once"], { env: { PHOTON_WEBHOOK_SECRET: "photon's" } })
    assert.strictEqual(await answers("photon's"), 200)
    for (const [args, said] of [
      [["allow", "once"], "--no-secret"],
      [["allow", "once", "--github", "a", "--stripe", "b"], "only one"],
      [["allow", "once", "--standard", "not base64!"], "whsec_"],
      [["allow", "once", "--stripe"], "--stripe"],
      [["allow", "once", "--secret", "env:NOT_THERE"], "NOT_THERE"],
      [["allow", "once", "--secret", "file:/not/there"], "ENOENT"],
      [["allow", "a b", "--no-secret"], "<method>"],
      [["test", "once", "[1]"], "JSON object"]
    ] as const) {
      const ran = await home.hob(["webhook", ...args])
      assert.strictEqual(ran.code, 2, `${args.join(" ")}: ${ran.stderr}`)
      assert.include(ran.stderr, said)
      assert.notInclude(ran.stderr, "not base64!")
    }
    const failed = await home.hob(["webhook", "rm", "nothing"])
    assert.deepEqual([failed.code, failed.stderr.includes('no webhook for the method "nothing"')], [1, true])
    assert.isTrue(existsSync(home.paths.daemonLog))
  }, 300_000)
})
