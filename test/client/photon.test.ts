import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import {
  acquireLock,
  listJobs,
  listLocks,
  publishToChannel,
  releaseLock,
  scheduleJob,
  sendCommand,
  startWebhookServer,
  subscribeChannel,
  unscheduleJob
} from "../../src/client/index.ts"
import { type Home, makeHome } from "../support/home.ts"
import { quietPort } from "../support/port.ts"

describe("photon's functions over hob's own protocol", () => {
  let home: Home
  const before = process.env["HOB_HOME"]
  beforeEach(async () => {
    home = makeHome()
    await home.ok(["start"])
    process.env["HOB_HOME"] = home.paths.home
  })
  afterEach(async () => {
    if (before === undefined) delete process.env["HOB_HOME"]
    else process.env["HOB_HOME"] = before
    await home.destroy()
  })

  it("webhooks are listened for where it says, and methods that are allowed are called", async () => {
    const module = join(home.paths.home, "..", "hooks.ts")
    writeFileSync(module, `export const handleGithubPush = ({ ref }) => ({ branch: ref.replace("refs/heads/", "") })`)
    await home.ok(["methods", "add", module, "--namespace", "kanban"])
    const webhook = ["webhook", "allow", "handleGithubPush", "--namespace", "kanban"]
    await home.ok(webhook, { env: { PHOTON_WEBHOOK_SECRET: "s" } })
    await startWebhookServer(0)
    assert.match(await home.ok(["webhook", "ls"]), /^Not listening/)
    const port = await quietPort()
    await startWebhookServer(port)
    const send = (secret: string) =>
      fetch(`http://127.0.0.1:${port}/webhook/handleGithubPush`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-webhook-secret": secret },
        body: '{"ref":"refs/heads/main"}'
      })
    const right = await send("s")
    assert.deepStrictEqual([right.status, await right.json()], [200, { success: true, data: { branch: "main" } }])
    const wrong = await send("t")
    assert.deepStrictEqual([wrong.status, await wrong.json()], [401, { error: "Invalid webhook secret" }])
  })

  it("a process that subscribes and publishes hears itself, within its photon", async () => {
    const heard: Array<unknown> = []
    let tell = (): void => {}
    const hear = (message: unknown) => {
      heard.push(message)
      tell()
    }
    const unsubscribe = await subscribeChannel("kanban", "board:mine", hear)
    const until = async (count: number) => {
      while (heard.length < count) await new Promise<void>((resolve) => (tell = resolve))
    }
    await publishToChannel("other", "board:mine", "elsewhere")
    await publishToChannel("kanban", "board:other", "another channel")
    await publishToChannel("kanban", "board:mine", { event: "task-moved" })
    await until(1)
    await publishToChannel("kanban", "board:mine", null)
    await until(2)
    assert.deepStrictEqual(heard, [{ event: "task-moved" }, null])
    unsubscribe()
    const other: Array<unknown> = []
    const again = await subscribeChannel("kanban", "board:mine", (message) => {
      other.push(message)
      tell()
    })
    await publishToChannel("kanban", "board:mine", "after")
    while (other.length === 0) await new Promise<void>((resolve) => (tell = resolve))
    assert.strictEqual(heard.length, 2)
    again()
  })

  it("locks are the process's, renewed by asking again, and refused where somebody else has them", async () => {
    assert.isTrue(await acquireLock("kanban", "board:write", 60_000))
    assert.isTrue(await acquireLock("kanban", "board:write"))
    await home.ok(["lock", "acquire", "theirs", "--namespace", "kanban", "--holder", "somebody", "--ttl", "1h"])
    assert.isFalse(await acquireLock("kanban", "theirs"))
    assert.isFalse(await releaseLock("kanban", "theirs"))
    assert.isTrue(await acquireLock("other", "theirs"))
    const locks = await listLocks("kanban")
    assert.sameMembers(
      locks.map(({ name }) => name),
      ["board:write", "theirs"]
    )
    for (const { acquiredAt, expiresAt } of locks) assert.isAbove(expiresAt, acquiredAt)
    assert.isTrue(await releaseLock("kanban", "board:write"))
    assert.isTrue(await releaseLock("kanban", "board:write"))
    assert.lengthOf(await listLocks("kanban"), 1)
  })

  it("schedules jobs of a photon, whose method may come later", async () => {
    const result = await scheduleJob("kanban", "daily-cleanup", "cleanupOldTasks", "0 0 * * *", { maxAge: 604_800 })
    assert.deepInclude(result, { scheduled: true, jobId: "daily-cleanup" })
    assert.isAbove(result.nextRun!, Date.now())
    const refused = await scheduleJob("kanban", "never", "cleanupOldTasks", "0 0 31 2 *")
    assert.isFalse(refused.scheduled)
    assert.match(refused.reason!, /never run/)
    assert.deepStrictEqual(await listJobs("other"), [])
    const [job, ...more] = await listJobs("kanban")
    assert.deepStrictEqual(more, [])
    const { createdAt, ...rest } = job!
    assert.approximately(createdAt, Date.now(), 60_000)
    assert.deepStrictEqual(rest, {
      id: "daily-cleanup",
      method: "cleanupOldTasks",
      args: { maxAge: 604_800 },
      cron: "0 0 * * *",
      runCount: 0,
      nextRun: result.nextRun!
    })
    assert.isTrue(await unscheduleJob("kanban", "daily-cleanup"))
    assert.isFalse(await unscheduleJob("kanban", "daily-cleanup"))
  })

  it("calls a photon's method, and gives what it returned or threw", async () => {
    const file = join(home.env["HOME"]!, "kanban.photon.ts")
    writeFileSync(
      file,
      `export default class {
         add({ a, b }) { return a + b }
         fail() { throw new Error("boom") }
         nothing() {}
         async greet() { return "hello " + (await this.prompt("Your name?")) }
       }`
    )
    await home.ok(["methods", "add", file, "--namespace", "kanban"])
    const failure = (promise: Promise<unknown>) =>
      promise.then(
        () => "",
        ({ message }: Error) => message
      )
    assert.strictEqual(await sendCommand("kanban", "add", { a: 1, b: 2 }), 3)
    assert.isUndefined(await sendCommand("kanban", "nothing"))
    assert.strictEqual(await failure(sendCommand("kanban", "fail")), "boom")
    assert.match(await failure(sendCommand("kanban", "toString")), /There is no method "toString"/)
    assert.match(await failure(sendCommand("other", "add")), /There is no method "add" in the namespace "other"/)
    // A person would be asked; here there is no terminal.
    assert.match(await failure(sendCommand("kanban", "greet")), /no terminal/)
  })
})
