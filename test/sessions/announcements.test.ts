import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { Session, SessionEvent } from "../../src/protocol/index.ts"
import { Announcements } from "../../src/sessions/announcements.ts"
import { binary, type Home, makeHome, until } from "../support/home.ts"
import { PtyClient } from "../support/ptyClient.ts"

describe("what is announced of a session", () => {
  const session = { id: "s1", name: "web", tags: ["ci"], kind: "pty", activity: null, exit: null, clients: 1 }
  const exit = { code: 3, signal: null, at: "", reason: null }

  /** What a row of events says, and about what else. */
  const said = (...events: ReadonlyArray<readonly [SessionEvent["type"], object?]>) => {
    const messages: Array<object> = []
    const announcements = new Announcements({
      announce: ({ channel, message }) => {
        assert.strictEqual(channel, "sessions:s1")
        messages.push(message as object)
      },
      listen: () => assert.fail("nobody listens")
    })
    for (const [type, more] of events) announcements.event(type, { ...session, ...more } as unknown as Session)
    return messages
  }
  const message = (event: string, more: object) => ({ event, id: "s1", name: "web", tags: ["ci"], ...more })
  const about = (state: string, since: string) => ({ activity: { state, since, agent: "claude" } })

  it("its beginning and its end, once, also when of the end only the closing is heard", () => {
    const exited = message("exited", { code: 3, signal: null, reason: null })
    const created = message("created", { kind: "pty" })
    assert.deepStrictEqual(said(["started"], ["exited", { exit }], ["closed", { exit }]), [created, exited])
    assert.deepStrictEqual(said(["closed", { exit }]), [exited])
    assert.deepStrictEqual(said(["lost"]), [message("lost", {})])
    assert.deepStrictEqual(said(["changed"], ["removed"], ["log-lost"]), [])
  })

  it("that it waits, each time that it begins to", () => {
    const waiting = (since: string) => message("waiting", { agent: "claude", since })
    assert.deepStrictEqual(
      said(
        ["activity", about("working", "1")],
        ["activity", about("waiting", "2")],
        ["activity", about("waiting", "2")],
        ["activity", about("working", "3")],
        ["activity", about("waiting", "4")]
      ),
      [waiting("2"), waiting("4")]
    )
  })
})

describe("the channels of sessions", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  interface Said {
    readonly channel: string
    readonly message: {
      readonly event: string
      readonly clients?: number
      readonly code?: number | null
      readonly signal?: string | null
      readonly name?: string | null
    }
  }

  /** Everything that was announced of one session so far, and at least `count` of it. */
  const said = async (id: string, count: number): Promise<ReadonlyArray<Said["message"]>> => {
    const args = ["events", `sessions:${id}`, "--since", "0-0", "--json", "--count", String(count)]
    const lines = (await home.ok(args)).trimEnd().split("\n")
    return lines.flatMap((line) => {
      const { message } = JSON.parse(line) as Partial<Said>
      return message === undefined ? [] : [message]
    })
  }

  it("tell that it was created, attached, detached, and has exited; who only reads is not attached", async () => {
    const command = [binary, "run", "--name", "piped", "--", "sleep", "1000"]
    const client = new PtyClient(command, { env: home.env, cols: 80, rows: 24 })
    const id = async () => (await home.hob(["show", "piped", "--json"])).stdout.match(/"id": "([^"]+)"/)?.[1]
    await until("it runs", async () => (await id()) !== undefined)
    const session = (await id())!
    assert.deepInclude((await said(session, 2))[1]!, { event: "attached", clients: 1 })
    client.end()
    assert.deepInclude((await said(session, 3))[2]!, { event: "detached", clients: 0 })
    await home.ok(["output", session])
    await home.ok(["kill", session])
    const all = await said(session, 4)
    assert.deepStrictEqual(
      all.map(({ event }) => event),
      ["created", "attached", "detached", "exited"]
    )
    assert.deepInclude(all[3]!, { name: "piped", signal: "SIGTERM" })
  })
})
