import * as fc from "fast-check"
import { Option, Schema } from "effect"
import { assert, describe, it } from "vitest"
import type { Event } from "../../../src/channels/Event.ts"
import { matches } from "../../../src/channels/patterns.ts"
import { readLine, readPlainLine, readPlainLock, Request } from "../../../src/dialects/photon/messages.ts"
import { toChannelName, toForeign, toName, toPatterns } from "../../../src/dialects/photon/names.ts"
import { channelMessages, NO_MESSAGE, replayedMessages, toPosition } from "../../../src/dialects/photon/translate.ts"
import { ChannelName, ChannelPattern, isReserved } from "../../../src/protocol/channelNames.ts"

const isName = Schema.is(ChannelName)
const isPattern = Schema.is(ChannelPattern)

/** Texts in which everything is that needs care. */
const foreign = fc
  .array(
    fc.constantFrom(
      ":",
      "%",
      "*",
      "a",
      "25",
      "2A",
      "u",
      "D83D",
      "\u0000",
      "\u0085",
      "\ud83d",
      "\ude00",
      " ",
      "jobs",
      "é"
    ),
    {
      maxLength: 12
    }
  )
  .map((parts) => parts.join(""))

describe("requests about locks that are read without the schema", () => {
  it("are what the schema makes of them", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom<unknown>(null, 5, undefined))
    const request = fc.record({
      type: fc.constantFrom("lock", "unlock", "list_locks", 5),
      id: text,
      lockName: text,
      sessionId: text,
      lockTimeout: fc.oneof(fc.nat(), fc.constantFrom<unknown>(null, "5", undefined)),
      unknown: text
    })
    let read = 0
    fc.assert(
      fc.property(fc.oneof(request, fc.constantFrom<unknown>(null, 5, "lock", [])), (value) => {
        const plain = readPlainLock(value)
        if (plain === undefined) return
        read++
        assert.deepStrictEqual(Option.some(plain), Schema.decodeUnknownOption(Request)(value))
      }),
      { numRuns: 5000 }
    )
    assert.isAbove(read, 50)
  })
})

describe("names of photon", () => {
  it("are hob's where they can be, and written with % where they can't", () => {
    for (const [name, ours] of [
      ["kanban:board", "kanban:board"],
      ["50%", "50%"],
      ["", "%"],
      ["a::b", "a:%:b"],
      [":", "%:%"],
      ["*", "%2A"],
      ["a:**", "a:%2A*"],
      ["a*", "a*"],
      ["%", "%25"],
      ["%2A", "%252A"],
      ["%u00e9", "%u00e9"],
      ["a\tb", "a%09b"],
      ["\ud83d", "%uD83D"],
      ["😀", "😀"],
      ["jobs:x", "%6Aobs:x"],
      ["sessions", "%73essions"],
      ["session", "session"]
    ] as const) {
      assert.strictEqual(toChannelName(name), ours)
      assert.strictEqual(toForeign(ours), name)
    }
    assert.strictEqual(toName("jobs:x"), "jobs:x")
    assert.isUndefined(toName("n".repeat(513)))
    assert.isUndefined(toName("ö".repeat(257)))
    assert.strictEqual(toName("n".repeat(512)), "n".repeat(512))
    assert.isUndefined(toChannelName(`jobs:${"n".repeat(507)}`))
    assert.isUndefined(toPatterns(`${"n".repeat(510)}:*`))
  })

  it("are valid, nobody else's, and come back as they were", () => {
    fc.assert(
      fc.property(fc.oneof(foreign, fc.string({ unit: "binary", maxLength: 40 })), (name) => {
        const ours = toChannelName(name)!
        assert.isTrue(isName(ours), ours)
        assert.isFalse(isReserved(ours))
        assert.strictEqual(toForeign(ours), name)
        if (isName(name) && !isReserved(name) && !name.includes("%")) assert.strictEqual(ours, name)
      }),
      { numRuns: 5000 }
    )
  })

  it("are subscribed to exactly, or with `:*` to what is below", () => {
    fc.assert(
      fc.property(foreign, foreign, (asked, published) => {
        const patterns = toPatterns(asked)!
        assert.isTrue(patterns.every(isPattern))
        const hears = patterns.some((pattern) => matches(pattern, toChannelName(published)!))
        const expected = asked.endsWith(":*") ? published.startsWith(asked.slice(0, -1)) : published === asked
        assert.strictEqual(hears, expected)
      }),
      {
        numRuns: 5000,
        examples: [
          ["a:*", "a:"],
          ["a:*", "a"],
          [":*", ":x"],
          ["jobs:*", "jobs:x"],
          ["a:b:*", "a:b:*"]
        ]
      }
    )
    assert.deepStrictEqual(toPatterns("locks:L"), ["%6Cocks:L", "locks:L"])
    assert.deepStrictEqual(toPatterns("locks:*"), ["%6Cocks:**", "locks:**"])
    assert.deepStrictEqual(toPatterns("*"), ["%2A"])
  })
})

describe("requests of photon", () => {
  it("read quickly are what they are when they are parsed", () => {
    const text = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('"', "\\", "\n", "\u007f", "\ud800"))
    const message = fc.oneof(
      fc.json({ maxDepth: 2 }),
      fc.constantFrom("1 2", "}", "", " 1", "1 ", '{"a":1},"message":2', "[1", "nul", '1,"id":"other"')
    )
    const timeout = fc.oneof(
      fc.nat().map(String),
      fc.json({ maxDepth: 1 }),
      fc.constantFrom("0", "00", "01", "-1", "1.5", "1e3", "9007199254740993", "99999999999999999999", "5 ", "5}", "5,")
    )
    const quoted = fc.oneof(
      text.map((it) => JSON.stringify(it)),
      text.map((it) => `"${it}"`)
    )
    const line = fc.oneof(
      fc
        .tuple(quoted, quoted, message)
        .map(([id, channel, m]) => `{"type":"publish","id":${id},"channel":${channel},"message":${m}}`),
      fc.tuple(quoted, quoted).map(([id, channel]) => `{"type":"publish","id":${id},"channel":${channel}}`),
      fc.tuple(quoted, quoted, quoted, message).map(([id, photon, channel, m]) => {
        const head = `{"type":"publish","id":${id},"photonName":${photon}`
        return `${head},"channel":${channel},"message":${m}}`
      }),
      quoted.map((id) => `{"type":"ping","id":${id}}`),
      fc.tuple(quoted, quoted, quoted, timeout).map(([id, session, name, t]) => {
        return `{"type":"lock","id":${id},"sessionId":${session},"lockName":${name},"lockTimeout":${t}}`
      }),
      fc
        .tuple(quoted, quoted, quoted, fc.constantFrom("", ',"lockTimeout":5', ",", "}"))
        .map(([id, session, name, rest]) => {
          return `{"type":"unlock","id":${id},"sessionId":${session},"lockName":${name}${rest}}`
        })
    )
    let quick = 0
    let locks = 0
    fc.assert(
      // As it comes out of UTF-8.
      fc.property(
        line.map((text) => text.toWellFormed()),
        (said) => {
          const plain = readPlainLine(said)
          if (plain === undefined) return
          quick++
          if (plain.type === "request") locks++
          // The same without the spelling that can be read quickly.
          assert.deepStrictEqual(plain, readLine(` ${said}`))
        }
      ),
      { numRuns: 5000 }
    )
    assert.isAbove(quick, 500)
    assert.isAbove(locks, 20)
    const named = '{"type":"publish","id":"p","photonName":"kanban","channel":"c","message":{"a":1}}'
    assert.deepInclude(readPlainLine(named), { id: '"p"', channel: "c", message: '{"a":1}' })
  })

  it("may be any line at all, and are answered for with their own id where they have one", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), foreign), (line) => {
        const said = readLine(line)
        if (said.type !== "refusal") return
        const value = Option.getOrUndefined(Option.liftThrowable(JSON.parse)(line))
        const id = typeof value?.id === "string" ? value.id : "unknown"
        assert.strictEqual(JSON.parse(said.id), id)
        assert.notStrictEqual(said.error, "")
      }),
      { numRuns: 2000 }
    )
  })

  it("have a lastEventId that is a number, or its digits", () => {
    for (const [given, position] of [
      [undefined, undefined],
      [null, undefined],
      [103079215106, 103079215106],
      ["103079215106", 103079215106],
      ["", 0],
      [-1, 0],
      ["x", 0],
      [{}, 0]
    ] as const) {
      assert.strictEqual(toPosition(given), position)
    }
  })
})

describe("messages of photon", () => {
  const event = (json: string, position = 7): Event => ({ position, channel: "a:%", at: 0, since: 0, json, bytes: 1 })

  it("are one line each", () => {
    assert.strictEqual(
      channelMessages([event('{"a": 1}'), event(NO_MESSAGE, 8)]),
      '{"type":"channel_message","id":"ch_7","channel":"a:","message":{"a": 1},"eventId":7}\n{"type":"channel_message","id":"ch_8","channel":"a:","eventId":8}'
    )
    assert.strictEqual(
      replayedMessages([event("null")]),
      '{"type":"channel_message","id":"replay_7","channel":"a:","message":null,"eventId":7,"replay":true}'
    )
  })
})
