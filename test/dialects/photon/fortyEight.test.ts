/**
 * The forty-eight cases that photon's own tests of its daemon have (`daemon-pubsub`): 34 about what is a request and what
 * is an answer, 14 about channels, locks and jobs. There, those 14 run against a stand-in; here all of them against hob.
 */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { until } from "../../support/home.ts"
import { makePhotonHome, type PhotonHome } from "./home.ts"

let home: PhotonHome
beforeAll(async () => {
  home = await makePhotonHome()
}, 120_000)
afterAll(() => home.destroy())

const INVALID = "Invalid request format"

describe("a request", () => {
  const isTaken = async (line: string) => {
    const { error, id, type } = JSON.parse(await home.client.once(line))
    return type !== "error" || (error !== INVALID && id === "1")
  }
  const { stringify } = JSON

  it("is none where it is no object", async () => {
    for (const line of ["null", "undefined", '"string"', "123"]) assert.isFalse(await isTaken(line), line)
  })

  for (const [what, request] of [
    ["has no id", { type: "ping" }],
    ["has a type that there is not", { type: "invalid", id: "1" }],
    ["is a command without a method", { type: "command", id: "1" }],
    ["is a subscribe without a channel", { type: "subscribe", id: "1" }],
    ["is an unsubscribe without a channel", { type: "unsubscribe", id: "1" }],
    ["is a publish without a channel", { type: "publish", id: "1", message: { data: "hello" } }],
    ["is a lock without a name", { type: "lock", id: "1" }],
    ["is an unlock without a name", { type: "unlock", id: "1" }],
    ["is a schedule without a jobId", { type: "schedule", id: "1", method: "m", cron: "*/5 * * * *" }],
    ["is a schedule without a method", { type: "schedule", id: "1", jobId: "j", cron: "*/5 * * * *" }],
    ["is a schedule without a cron", { type: "schedule", id: "1", jobId: "j", method: "m" }],
    ["is an unschedule without a jobId", { type: "unschedule", id: "1" }]
  ] as const) {
    it(`is none that ${what}`, async () => assert.isFalse(await isTaken(stringify(request))))
  }

  for (const [what, request] of [
    ["ping", { type: "ping", id: "1" }],
    ["command", { type: "command", id: "1", method: "test" }],
    ["subscribe", { type: "subscribe", id: "1", channel: "test" }],
    ["unsubscribe", { type: "unsubscribe", id: "1", channel: "test" }],
    ["publish", { type: "publish", id: "1", channel: "test", message: { data: "hello" } }],
    ["lock", { type: "lock", id: "1", lockName: "my-lock" }],
    ["unlock", { type: "unlock", id: "1", lockName: "my-lock" }],
    ["list_locks", { type: "list_locks", id: "1" }],
    ["schedule", { type: "schedule", id: "1", jobId: "j", method: "m", cron: "*/5 * * * *" }],
    ["unschedule", { type: "unschedule", id: "1", jobId: "j" }],
    ["list_jobs", { type: "list_jobs", id: "1" }]
  ] as const) {
    it(`may be a ${what}`, async () => assert.isTrue(await isTaken(stringify(request))))
  }

  it("may be a prompt_response, which nobody answers", async () => {
    const conversation = await home.client.open()
    conversation.say({ type: "prompt_response", id: "1", promptValue: "yes" })
    assert.deepStrictEqual(await conversation.ask({ type: "ping", id: "2" }), { type: "pong", id: "2" })
    conversation.socket.destroy()
  })

  it("may be a shutdown, after which there is nobody", async () => {
    await home.ok(["dialect", "enable", "photon", "going"])
    const going = home.clientOf("going")
    assert.include(await going.once({ type: "shutdown", id: "1" }), '"success":true')
    await until("its socket is gone", async () => (await going.open().catch(() => undefined)) === undefined)
  })
})

/** As photon's own check has it: an object, an id that is a text, and one of five types. */
const isAnswer = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return false
  const { id, type } = value as { readonly id?: unknown; readonly type?: unknown }
  return typeof id === "string" && ["result", "error", "pong", "prompt", "channel_message"].includes(String(type))
}

describe("an answer", () => {
  it("is none where it is no object, has no id, or a type that there is not", () => {
    for (const no of [null, undefined, "string", { type: "result" }, { type: "invalid", id: "1" }]) {
      assert.isFalse(isAnswer(no))
    }
  })

  it("is what hob sends: result, error, pong and channel_message; a prompt comes with commands", async () => {
    const subscriber = await home.client.subscribe("answers")
    const publisher = await home.client.open()
    const answers = [
      await publisher.ask({ type: "publish", id: "1", channel: "answers", message: { event: "update" } }),
      await publisher.ask({ type: "command", id: "1", method: "" }),
      await publisher.ask({ type: "ping", id: "1" }),
      await subscriber.hear()
    ]
    for (const answer of answers) assert.isTrue(isAnswer(answer), JSON.stringify(answer))
    assert.deepStrictEqual(
      answers.map(({ type }) => type),
      ["result", "error", "pong", "channel_message"]
    )
    subscriber.socket.destroy()
    publisher.socket.destroy()
  })
})

describe("channels", () => {
  /** As many as hob counts there. */
  const subscribers = async (channel: string) => {
    const { channels } = await home.json<{ channels: ReadonlyArray<{ channel: string; subscribers: number }> }>([
      "channels",
      "-N",
      "kanban"
    ])
    return channels.find((one) => one.channel === channel)?.subscribers ?? 0
  }

  it("are subscribed to", async () => {
    const client = await home.client.open()
    const answer = await client.ask({ type: "subscribe", id: "sub_1", channel: "test-channel" })
    assert.deepStrictEqual(answer, {
      type: "result",
      id: "sub_1",
      success: true,
      data: { subscribed: true, channel: "test-channel" }
    })
    assert.strictEqual(await subscribers("test-channel"), 1)
    client.socket.destroy()
  })

  it("are unsubscribed from", async () => {
    const client = await home.client.subscribe("unsub-test")
    assert.strictEqual(await subscribers("unsub-test"), 1)
    const answer = await client.ask({ type: "unsubscribe", id: "2", channel: "unsub-test" })
    assert.deepStrictEqual(answer["data"], { unsubscribed: true, channel: "unsub-test" })
    assert.strictEqual(await subscribers("unsub-test"), 0)
    client.socket.destroy()
  })

  it("carry what is published to who is subscribed", async () => {
    const subscriber = await home.client.subscribe("pub-test")
    const message = { event: "task-moved", taskId: "123" }
    const publisher = await home.client.open()
    await publisher.ask({ type: "publish", id: "p1", channel: "pub-test", message })
    const heard = await subscriber.hear()
    assert.deepStrictEqual([heard.type, heard["channel"], heard["message"]], ["channel_message", "pub-test", message])
    subscriber.socket.destroy()
    publisher.socket.destroy()
  })

  it("do not carry it to who has published it", async () => {
    const client = await home.client.subscribe("self-test")
    const answer = await client.ask({ type: "publish", id: "p1", channel: "self-test", message: { test: "data" } })
    assert.deepStrictEqual([answer.type, answer.id], ["result", "p1"])
    assert.include(answer["data"], { published: true, channel: "self-test" })
    assert.strictEqual((await client.ask({ type: "ping", id: "p2" })).type, "pong")
    client.socket.destroy()
  })

  it("are left when the connection ends", async () => {
    const client = await home.client.subscribe("cleanup-test")
    assert.strictEqual(await subscribers("cleanup-test"), 1)
    client.socket.destroy()
    await until("nobody is subscribed", async () => (await subscribers("cleanup-test")) === 0)
  })
})

describe("locks", () => {
  const lock = (sessionId: string, lockName: string) =>
    home.client.ask({ type: "lock", id: `l-${sessionId}`, sessionId, lockName, lockTimeout: 60_000 })
  const unlock = (sessionId: string, lockName: string) =>
    home.client.ask({ type: "unlock", id: `u-${sessionId}`, sessionId, lockName })
  const list = async () => (await home.client.ask({ type: "list_locks", id: "list_1" })).locks

  it("are acquired", async () => {
    assert.isTrue((await lock("session-a", "my-resource")).acquired)
    assert.lengthOf(
      (await list()).filter(({ name }: { name: string }) => name === "my-resource"),
      1
    )
  })

  it("are refused to a second client, who is told who has it", async () => {
    await lock("session-1", "exclusive-resource")
    const { acquired, holder } = await lock("session-2", "exclusive-resource")
    assert.deepStrictEqual([acquired, holder], [false, "session-1"])
  })

  it("are released", async () => {
    await lock("release-test", "release-lock")
    assert.isTrue((await unlock("release-test", "release-lock")).released)
  })

  it("are not released by somebody else", async () => {
    await lock("holder", "guarded-lock")
    const { reason, released } = await unlock("thief", "guarded-lock")
    assert.deepStrictEqual([released, reason], [false, "Not lock holder"])
  })

  it("are listed", async () => assert.isArray(await list()))
})

describe("jobs", () => {
  const ask = (request: object) => home.client.ask({ id: "s", ...request })
  const cleanup = { jobId: "cleanup", method: "cleanup", cron: "0 * * * *", args: { maxAge: 86_400 } }

  it("are scheduled", async () => {
    const { nextRun, scheduled } = await ask({ type: "schedule", ...cleanup })
    assert.isTrue(scheduled)
    assert.isAbove(nextRun, Date.now())
  })

  it("are listed", async () => {
    const { jobs } = await ask({ type: "list_jobs" })
    assert.deepInclude(jobs[0], { id: "cleanup", method: "cleanup", cron: "0 * * * *", args: { maxAge: 86_400 } })
  })

  it("are unscheduled", async () => {
    assert.isTrue((await ask({ type: "unschedule", jobId: "cleanup" })).unscheduled)
    assert.deepStrictEqual((await ask({ type: "list_jobs" })).jobs, [])
  })

  it("are not unscheduled that there are not", async () => {
    assert.isFalse((await ask({ type: "unschedule", jobId: "no-such-job" })).unscheduled)
  })
})
