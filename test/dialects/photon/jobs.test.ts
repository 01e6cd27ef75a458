import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { call } from "../../../src/client/wire/bare.ts"
import { makePhotonHome, type PhotonHome } from "./home.ts"

let home: PhotonHome
beforeAll(async () => {
  home = await makePhotonHome(["kanban", "other"])
  const file = join(home.env["HOME"]!, "kanban.photon.ts")
  writeFileSync(
    file,
    `export default class { async bump(params: object) { return params }  async fail() { throw new Error("boom") } }`
  )
  await call(home.paths.socket, "methods.add", { file, namespace: "kanban" })
}, 120_000)
afterAll(() => home.destroy())

const schedule = (jobId: string, more: object = {}) => ({
  type: "schedule",
  id: "sch",
  sessionId: "cli-1",
  jobId,
  method: "bump",
  // None that comes while this runs.
  cron: "0 0 1 1 *",
  ...more
})
const jobs = async (name = "kanban"): Promise<ReadonlyArray<Record<string, unknown>>> =>
  (await home.clientOf(name).ask({ type: "list_jobs", id: "lj" })).jobs
const untimed = (line: string) => line.replace(/"(nextRun|createdAt|lastRun)":\d{13}\b/g, '"$1":0')

describe("photon's jobs", () => {
  it("are scheduled, listed and unscheduled with the lines of photon's daemon", async () => {
    const { client } = home
    for (const [request, answer] of [
      [
        schedule("j1", { args: { maxAge: 86_400 } }),
        '{"type":"result","id":"sch","success":true,"data":{"scheduled":true,"jobId":"j1","nextRun":0}}'
      ],
      [
        { type: "list_jobs", id: "lj" },
        '{"type":"result","id":"lj","success":true,"data":{"jobs":[{"id":"j1","method":"bump","args":{"maxAge":86400},"cron":"0 0 1 1 *","runCount":0,"createdAt":0,"createdBy":"cli-1","nextRun":0}]}}'
      ],
      [
        { type: "unschedule", id: "u1", jobId: "j1" },
        '{"type":"result","id":"u1","success":true,"data":{"unscheduled":true,"jobId":"j1"}}'
      ],
      [
        { type: "unschedule", id: "u1", jobId: "j1" },
        '{"type":"result","id":"u1","success":true,"data":{"unscheduled":false,"jobId":"j1"}}'
      ],
      [{ type: "list_jobs", id: "lj" }, '{"type":"result","id":"lj","success":true,"data":{"jobs":[]}}']
    ] as const) {
      assert.strictEqual(untimed(await client.once(request)), answer)
    }
  })

  it("of another photon are others", async () => {
    await home.client.ask(schedule("mine"))
    assert.deepStrictEqual(await jobs("other"), [])
    await home.client.ask({ type: "unschedule", id: "u", jobId: "mine" })
  })

  it("what photon's daemon died of is scheduled, or refused with the reason", async () => {
    for (const cron of ["0 */2 * * *", "* 3 * * *", "0 9 * * 1-5", "0 0 1 * *", "45,46 * * * *"]) {
      assert.isTrue((await home.client.ask(schedule("good", { cron }))).scheduled, cron)
    }
    for (const cron of ["* * * *", "a b c d e", "*/0 * * * *", "99 99 * * *", "0 0 31 2 *", ""]) {
      const answer = JSON.parse(await home.client.once(schedule("bad", { cron })))
      assert.deepInclude(answer, { type: "result", id: "sch", success: false }, cron)
      assert.isFalse(answer.data.scheduled, cron)
      assert.match(answer.data.reason, /^Invalid cron expression/, cron)
    }
    for (const wrong of [{ jobId: "" }, { method: "" }, { method: "a b" }, { args: [1] }, { args: "x" }]) {
      const answer = JSON.parse(await home.client.once({ ...schedule("bad"), ...wrong }))
      assert.deepInclude(answer, { type: "error", id: "sch" }, JSON.stringify(wrong))
    }
    assert.deepStrictEqual(
      (await jobs()).map(({ id, cron }) => [id, cron]),
      [["good", "45,46 * * * *"]]
    )
    await home.client.ask({ type: "unschedule", id: "u", jobId: "good" })
  })

  it("are listed in the order they were made in, and what one write asks is done in its order", async () => {
    const conversation = await home.client.open()
    const names = Array.from({ length: 20 }, (_, n) => `job-${(n * 7) % 20}`)
    conversation.say(
      ...names.map((jobId) => schedule(jobId)),
      ...names.slice(10).map((jobId) => ({ type: "unschedule", id: "u", jobId })),
      { type: "list_jobs", id: "l" }
    )
    const heard = []
    for (let n = 0; n < 31; n++) heard.push(await conversation.hear())
    assert.isTrue(heard.slice(20, 30).every(({ data }) => data.unscheduled))
    const left = heard.at(-1)!["data"].jobs.map(({ id }: { readonly id: string }) => id)
    assert.deepStrictEqual(left, names.slice(0, 10))
  })

  it("run their method, and say so to photon's subscribers; a run that failed counts for nothing", async () => {
    const subscriber = await home.client.subscribe("jobs:kanban")
    await home.client.ask(schedule("every", { args: { a: 1 } }))
    await home.client.ask(schedule("failing", { method: "fail" }))
    await home.client.ask(schedule("unknown", { method: "later" }))
    const heard = new Map<string, Record<string, unknown>>()
    for (const id of ["every", "failing", "unknown"]) {
      await call(home.paths.socket, "schedule.run", { namespace: "kanban", id })
      while (!heard.has(id)) {
        const { message } = await subscriber.hear()
        if (message.event !== "job-started") heard.set(message.jobId, message)
      }
    }
    assert.deepInclude(heard.get("every"), { event: "job-completed", method: "bump", runCount: 1 })
    assert.deepInclude(heard.get("failing"), { event: "job-failed", method: "fail", error: "boom" })
    assert.deepInclude(heard.get("unknown"), { event: "job-failed", method: "later" })
    const counts = (await jobs()).filter(({ id }) => heard.has(String(id))).map(({ id, runCount }) => [id, runCount])
    assert.deepStrictEqual(counts, [
      ["every", 1],
      ["failing", 0],
      ["unknown", 0]
    ])
  })

  it("survive kill -9, with their counts", async () => {
    const before = await jobs()
    await home.killDaemon()
    await home.ok(["start"])
    assert.deepStrictEqual(await jobs(), before)
  })
})
