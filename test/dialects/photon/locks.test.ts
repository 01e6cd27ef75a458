import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { until } from "../../support/home.ts"
import { makePhotonHome, type PhotonHome } from "./home.ts"

let home: PhotonHome
beforeAll(async () => {
  home = await makePhotonHome(["kanban", "other"])
}, 120_000)
afterAll(() => home.destroy())

const lock = (lockName: string, sessionId?: unknown, lockTimeout?: unknown, id = "l") => ({
  type: "lock",
  id,
  sessionId,
  lockName,
  lockTimeout
})
const unlock = (lockName: string, sessionId?: unknown, id = "u") => ({ type: "unlock", id, sessionId, lockName })
const timeless = (line: string) => line.replace(/"(expiresAt|acquiredAt)":1\d{12}/g, '"$1":0')

describe("a lock of photon", () => {
  it("is answered with the lines that document, tests and client take", async () => {
    const { client } = home
    for (const [request, answer] of [
      [
        lock("L", "cli-1", 60_000),
        '{"type":"result","id":"l","success":true,"data":{"acquired":true,"lockName":"L","holder":"cli-1","expiresAt":0}}'
      ],
      [
        lock("L", "mcp-2", 60_000),
        '{"type":"result","id":"l","success":false,"data":{"acquired":false,"lockName":"L","holder":"cli-1","reason":"Lock held by another client"}}'
      ],
      [
        { type: "list_locks", id: "ll" },
        '{"type":"result","id":"ll","success":true,"data":{"locks":[{"name":"L","holder":"cli-1","acquiredAt":0,"expiresAt":0}]}}'
      ],
      [
        unlock("L", "mcp-2"),
        '{"type":"result","id":"u","success":false,"data":{"released":false,"lockName":"L","reason":"Not lock holder"}}'
      ],
      [unlock("L", "cli-1"), '{"type":"result","id":"u","success":true,"data":{"released":true,"lockName":"L"}}'],
      [unlock("L", "cli-1"), '{"type":"result","id":"u","success":true,"data":{"released":true,"lockName":"L"}}'],
      [{ type: "list_locks", id: "ll" }, '{"type":"result","id":"ll","success":true,"data":{"locks":[]}}']
    ] as const) {
      assert.strictEqual(timeless(await client.once(request)), answer)
    }
  })

  it("is renewed by its holder, on whatever connection, and freed by one unlock", async () => {
    const { client } = home
    const first = await client.ask(lock("again", "me", 60_000))
    const second = await client.ask(lock("again", "me", 120_000))
    assert.isAbove(second.expiresAt - first.expiresAt, 50_000)
    assert.strictEqual((await client.ask(lock("again", "you"))).acquired, false)
    await client.ask(unlock("again", "me"))
    assert.strictEqual((await client.ask(lock("again", "you"))).acquired, true)
  })

  it("is somebody else's when its lease is over, at once", async () => {
    const { client } = home
    await client.ask(lock("brief", "me", 50))
    await until("it is free", async () => (await client.ask(lock("brief", "you", 60_000))).acquired)
    assert.deepInclude(await client.ask(unlock("brief", "me")), { released: false })
  })

  it("is held by the request's id where there is no sessionId, for half a minute where nothing else is said", async () => {
    const { client } = home
    for (const [at, sessionId] of [undefined, "", null].entries()) {
      const name = `anonymous ${at}`
      const before = Date.now()
      const got = await client.ask(lock(name, sessionId, 0, "mine"))
      assert.strictEqual(got.holder, "mine")
      assert.isAtLeast(got.expiresAt, before + 29_000)
      assert.isAtMost(got.expiresAt, Date.now() + 31_000)
      assert.strictEqual((await client.ask(unlock(name, sessionId, "other"))).released, false)
    }
  })

  it("may have any name and holder, and no two are one", async () => {
    const { client } = home
    const names = ["", "a::b", "*", "locks:x", "jobs", "%", "\u0000", "\ud800", "a b"]
    for (const name of names) {
      assert.deepInclude(await client.ask(lock(name, name, 60_000, "")), {
        acquired: true,
        lockName: name,
        holder: name
      })
    }
    const { locks } = await client.ask({ type: "list_locks", id: "ll" })
    const listed = new Set((locks as ReadonlyArray<{ name: string }>).map(({ name }) => name))
    for (const name of names) assert.isTrue(listed.has(name), JSON.stringify(name))
    const elsewhere = await home.clientOf("other").ask(lock("a::b", "x"))
    assert.isTrue(elsewhere.acquired)
  })

  it("is refused with an error where it can't be had as asked", async () => {
    const { client } = home
    for (const [request, error] of [
      [lock("n".repeat(507), "x"), /lockName is too long: 506 bytes/],
      [lock("n".repeat(10_000), "x"), /lockName is too long/],
      [unlock("n".repeat(10_000), "x"), /lockName is too long/],
      [lock("x", "s".repeat(257)), /sessionId is too long/],
      [lock("x", "s", -1), /lockTimeout must be/],
      [lock("x", "s", "5000"), /lockTimeout must be/],
      [lock("x", "s", 86_400_001), /lockTimeout must be/],
      ['{"type":"lock","id":"l","lockName":"x","lockTimeout":1e999}', /lockTimeout must be/]
    ] as const) {
      const heard = JSON.parse(await client.once(request)) as { type: string; id: string; error: string }
      assert.include(["l", "u"], heard.id)
      assert.match(heard.error, error)
    }
    assert.isTrue((await client.ask(lock("fraction", "s", 1500.5))).acquired)
  })

  it("is had by one of many who ask at once", async () => {
    const { client } = home
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => client.ask(lock("one", `s${at}`, 60_000))))
    assert.lengthOf(
      answers.filter(({ acquired }) => acquired),
      1
    )
    const holder = answers.find(({ acquired }) => acquired).holder
    for (const answer of answers) assert.strictEqual(answer.holder, holder)
  })

  it("is announced on hob's own channel of it", async () => {
    const { client } = home
    const listener = await client.subscribe("locks:told")
    await client.ask(lock("told", "me", 60_000))
    const heard = await listener.hear()
    assert.strictEqual(heard["channel"], "locks:told")
    assert.deepInclude(heard["message"], { event: "acquired", name: "told", holder: "me" })
    listener.socket.destroy()
  })

  it("survives the daemon's death", async () => {
    const { client } = home
    await client.ask(lock("kept", "me", 600_000))
    await home.killDaemon()
    await home.ok(["start"])
    await until("it is answered again", () =>
      client.once({ type: "ping", id: "1" }).then(
        () => true,
        () => false
      )
    )
    assert.deepInclude(await client.ask(lock("kept", "you")), { acquired: false, holder: "me" })
    assert.deepInclude(await client.ask(unlock("kept", "me")), { released: true })
  })
})
