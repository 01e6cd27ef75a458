import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isAlive, until } from "../../support/home.ts"
import { openFilesLimit } from "../../../src/wire/openFiles.ts"
import type { Conversation } from "./client.ts"
import { makePhotonHome, type PhotonHome } from "./home.ts"

const MAX_PATTERNS = 5000

let home: PhotonHome
beforeAll(async () => {
  home = await makePhotonHome(["kanban"], { HOB_CHANNELS_MAX_PATTERN_COUNT: `${MAX_PATTERNS}` })
}, 120_000)
afterAll(() => home.destroy())

const ping = { type: "ping", id: "end" }

describe("clients of photon", () => {
  it("may say anything: each line is answered with one, and the next request as ever", async () => {
    const type = fc.constantFrom(
      "ping",
      "subscribe",
      "unsubscribe",
      "publish",
      "lock",
      "unlock",
      "list_locks",
      "command",
      "x"
    )
    const request = fc.record(
      {
        type,
        id: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
        channel: fc.oneof(fc.string({ unit: "binary" }), fc.integer()),
        lockName: fc.oneof(fc.string({ unit: "binary" }), fc.integer()),
        sessionId: fc.jsonValue({ maxDepth: 1 }),
        lockTimeout: fc.jsonValue({ maxDepth: 1 }),
        lastEventId: fc.jsonValue({ maxDepth: 1 }),
        message: fc.jsonValue({ maxDepth: 2 })
      },
      { requiredKeys: ["type"] }
    )
    const line = fc
      .oneof(
        request.map((it) => JSON.stringify(it)),
        fc.json(),
        fc.string({ unit: "binary" }),
        request.map((it) => JSON.stringify(it).slice(0, -1))
      )
      .map((text) => text.replaceAll("\n", "").toWellFormed())
      .filter((text) => /[^ \t\r]/.test(text))
    const conversation = await home.client.open()
    let said = 0
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
        conversation.say(...lines, ping)
        said += lines.length + 1
        const answers = () => conversation.lines.filter((it) => !it.startsWith('{"type":"refresh_needed"'))
        // Nobody else publishes: what comes is answers, or replays of its own.
        const own = () => answers().filter((it) => !it.includes('"replay":true}'))
        await conversation.until(() => own().length >= said)
        assert.strictEqual(own().length, said)
        // Only what waits for the disk may come behind it.
        assert.include(own(), '{"type":"pong","id":"end"}')
        for (const answer of own()) assert.include(["pong", "result", "error"], JSON.parse(answer).type)
        conversation.text = ""
        said = 0
      }),
      { numRuns: 100 }
    )
    conversation.socket.destroy()
  }, 300_000)

  it("that subscribe to more than they may are refused what is beyond, and keep the rest", async () => {
    const conversation = await home.client.open()
    const requests = Array.from({ length: 100_000 }, (_, at) => ({
      type: "subscribe",
      id: `${at}`,
      channel: `c:${at}`
    }))
    conversation.say(...requests)
    await conversation.until(() => conversation.text.slice(-1000).includes('"id":"99999"'))
    const answers = conversation.lines.map(
      (answer) => JSON.parse(answer) as { type: string; id: string; error: string }
    )
    assert.strictEqual(
      answers.findIndex(({ type }) => type === "error"),
      MAX_PATTERNS
    )
    assert.match(answers.at(-1)!.error, /5000 patterns, as many as it may/)
    const publisher = await home.client.open()
    await publisher.ask({ type: "publish", id: "p", channel: "c:99999", message: 0 })
    await publisher.ask({ type: "publish", id: "p", channel: "c:4999", message: 0 })
    const heard = conversation.text.length
    await conversation.until(() => conversation.text.length > heard || conversation.text.includes("channel_message"))
    assert.match(conversation.text, /"channel":"c:4999","message":0,"eventId":\d+}\n$/)
    for (const { socket } of [conversation, publisher]) socket.destroy()
  }, 300_000)

  it("by the thousand that say nothing, or half a line, hinder nobody", async () => {
    const count = Math.min(1000, (openFilesLimit() ?? 20_000) / 8)
    const silent: Array<Conversation> = []
    for (let at = 0; at < count; at++) {
      const conversation = await home.client.open()
      if (at % 2 === 0) conversation.socket.write('{"type":"ping"')
      silent.push(conversation)
    }
    assert.strictEqual(await home.client.once(ping), '{"type":"pong","id":"end"}')
    assert.isEmpty(silent.filter(({ ended }) => ended))
    for (const { socket } of silent) socket.destroy()
  }, 120_000)

  it("that leave in the middle of everything take nothing with them", async () => {
    for (let at = 0; at < 50; at++) {
      const conversation = await home.client.open()
      conversation.say({ type: "subscribe", id: "s", channel: "mid" })
      conversation.say({ type: "lock", id: "l", sessionId: "s", lockName: `mid${at}` })
      conversation.say({ type: "publish", id: "p", channel: "mid", message: "x".repeat(10_000) })
      conversation.socket.write('{"type":"publish","id":"p","cha')
      conversation.socket.destroy()
    }
    assert.strictEqual(await home.client.once(ping), '{"type":"pong","id":"end"}')
  })

  it("end it by ending the process of its pid file, and hob stays", async () => {
    const daemon = await home.daemonPid()
    const listener = await home.client.subscribe("x")
    // It ends its own side only when it is told to: nobody waits for that.
    const stubborn = await home.client.open({ allowHalfOpen: true })
    await stubborn.ask(ping)
    process.kill(Number(readFileSync(home.client.path.replace(/sock$/, "pid"), "latin1")), "SIGTERM")
    await Promise.all([listener.untilEnded(), stubborn.untilEnded()])
    await until("it is closed", async () => (await home.ok(["dialect", "ls"])).includes("closed"))
    assert.isTrue(isAlive(daemon))
    await home.ok(["dialect", "enable", "photon", "kanban"])
    assert.strictEqual(await home.client.once(ping), '{"type":"pong","id":"end"}')
  }, 120_000)
})
