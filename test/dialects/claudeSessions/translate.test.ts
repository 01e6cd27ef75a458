import { Option, Result } from "effect"
import { assert, describe, it } from "vitest"
import { readRequest } from "../../../src/dialects/claudeSessions/messages.ts"
import { parseUuid, rfc3339, statusOf, typed } from "../../../src/dialects/claudeSessions/translate.ts"
import { rustDebug } from "../../../src/dialects/rustDebug.ts"

const read = (line: string) => Option.getOrNull(Result.getSuccess(readRequest(line)))
const problem = (line: string) => Option.getOrNull(Result.getFailure(readRequest(line)))

/** Each as its own program takes it, or doesn't (serde_json, an enum tagged by `type`). */
describe("a request of claude-sessions", () => {
  it("is read whatever the order of its fields, and with others among them", () => {
    assert.deepStrictEqual(read('{"type":"ping"}'), { type: "ping" })
    assert.deepStrictEqual(read(' \t{ "type" : "ping" }\r'), { type: "ping" })
    assert.deepStrictEqual(read('{"x":1,"type":"ping","x":2}'), { type: "ping" })
    assert.deepStrictEqual(read('{"type":"ping","x":{"type":"a","type":"b"}}'), { type: "ping" })
    assert.deepStrictEqual(read('{"session_id":"a","type":"stop_session"}'), { type: "stop_session", session_id: "a" })
    assert.deepStrictEqual(read('{"type":"send_input","session_id":"a","text":"\\u0000é"}'), {
      type: "send_input",
      session_id: "a",
      text: "\0é"
    })
  })

  it("is none where its program could not read it", () => {
    for (const line of [
      "",
      "x",
      "null",
      '"ping"',
      "[]",
      '["ping"]',
      "{}",
      '{"type":"Ping"}',
      '{"type":"log_chunk"}',
      '{"type":0}',
      '{"type":null}',
      '{"type":"ping"} x',
      '{"type":"ping","type":"ping"}',
      '{"ty\\u0070e":"ping","type":"ping"}',
      '{"type":"stop_session"}',
      '{"type":"stop_session","session_id":null}',
      '{"type":"stop_session","session_id":1}',
      '{"type":"stop_session","session_id":"a","session_id":"b"}',
      '{"type":"stop_session","session_id":"\\ud800"}',
      '{"type":"start_session","working_dir":["a"]}',
      '{"type":"ping","x":01}',
      '\ufeff{"type":"ping"}',
      '{"type":"__proto__"}',
      '{"type":"constructor"}'
    ]) {
      assert.isNull(read(line), line)
    }
  })

  it("that is none is told what is wrong with it, and nothing of it is repeated", () => {
    assert.strictEqual(problem("secret"), "the line is not JSON")
    assert.strictEqual(problem('["ping"]'), "the line is not a JSON object")
    assert.strictEqual(
      problem('{"type":"secret"}'),
      '"type" must be one of start_session, list_sessions, stop_session, send_input, attach_session, ping, shutdown'
    )
    assert.strictEqual(problem('{"type":"ping","type":"ping"}'), '"type" is there twice')
    assert.strictEqual(problem('{"type":"send_input","session_id":"a"}'), '"text" must be a text')
    assert.strictEqual(problem('{"type":"send_input","session_id":null,"text":"x"}'), '"session_id" must be a text')
    assert.strictEqual(problem('{"type":"start_session","working_dir":"\\ud800"}'), '"working_dir" must be a text')
  })
})

describe("hob's words in claude-sessions'", () => {
  const exit = (code: number | null, reason: string | null = null) => ({
    code,
    signal: code === null ? "SIGTERM" : null,
    at: "2026-01-01T00:00:00.000Z",
    reason
  })
  const closedAt = "2026-01-01T00:00:00.000Z"

  it("are one of five for a session's state", () => {
    assert.strictEqual(statusOf({ state: "starting", exit: null, closedAt: null }), "running")
    assert.strictEqual(statusOf({ state: "running", exit: null, closedAt: null }), "running")
    assert.strictEqual(statusOf({ state: "exited", exit: exit(0), closedAt }), "stopped")
    assert.strictEqual(statusOf({ state: "exited", exit: exit(null, "killed"), closedAt }), "stopped")
    for (const meant of ["ttl", "idle-stop"]) {
      assert.strictEqual(statusOf({ state: "exited", exit: exit(null, meant), closedAt }), "stopped")
    }
    assert.strictEqual(statusOf({ state: "exited", exit: exit(null, "memory-limit"), closedAt }), "crashed")
    assert.strictEqual(statusOf({ state: "exited", exit: exit(1), closedAt }), "crashed")
    assert.strictEqual(statusOf({ state: "exited", exit: exit(null), closedAt }), "crashed")
    assert.strictEqual(statusOf({ state: "exited", exit: exit(0), closedAt: null }), "orphaned")
    assert.strictEqual(statusOf({ state: "lost", exit: null, closedAt: null }), "stale")
  })

  it("give instants an offset", () => {
    assert.strictEqual(rfc3339("2026-11-21T00:49:57.650Z"), "2026-11-21T00:49:57.650+00:00")
  })

  it("are typed without the end of the last line", () => {
    assert.strictEqual(typed("a\nb\n"), "a\nb")
    assert.strictEqual(typed("a\r\n"), "a")
    assert.strictEqual(typed("a\n\n"), "a\n")
    assert.strictEqual(typed(""), "")
  })
})

describe("an id", () => {
  const id = "67e55044-10b1-426f-9247-bb680e5fe0c8"

  it("is taken in every form that its program takes, and in no other", () => {
    const simple = id.replaceAll("-", "")
    for (const form of [id, id.toUpperCase(), simple, simple.toUpperCase(), `{${id}}`, `urn:uuid:${id}`]) {
      assert.strictEqual(parseUuid(form), id)
    }
    for (const form of [
      "",
      "x",
      id.slice(1),
      ` ${id}`,
      `${id}\n`,
      `{${simple}}`,
      `URN:UUID:${id}`,
      `(${id})`,
      `${id}0`
    ]) {
      assert.isNull(parseUuid(form), form)
    }
  })
})

/** Taken from what Rust 1.95 prints. */
describe("a path as Rust shows it", () => {
  it("has escapes for what can't be seen", () => {
    for (const [text, shown] of [
      ['/tmp/a"b\\c\n\t\r\u0001\u007f', '"/tmp/a\\"b\\\\c\\n\\t\\r\\u{1}\\u{7f}"'],
      ["/tmp/e\u0301 \u00a0\u200b😀\u2028", '"/tmp/e\\u{301} \\u{a0}\\u{200b}😀\\u{2028}"'],
      ["/tmp/it's", '"/tmp/it\'s"'],
      ["/tmp/\u00ad\ufeff\ue000\u093e\u3000", '"/tmp/\\u{ad}\\u{feff}\\u{e000}\u093e\\u{3000}"'],
      ["a\0b", '"a\\0b"']
    ] as const) {
      assert.strictEqual(rustDebug(text), shown)
    }
  })
})
