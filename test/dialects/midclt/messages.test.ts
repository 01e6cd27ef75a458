import { assert, describe, it } from "vitest"
import { readRequest } from "../../../src/dialects/midclt/messages.ts"
import * as translate from "../../../src/dialects/midclt/translate.ts"
import {
  UpstreamCallFailed,
  UpstreamJobAborted,
  UpstreamOutcomeUnknown,
  UpstreamTimedOut
} from "../../../src/protocol/upstream.ts"

/** The line that a bad request is answered with; null where there is none. */
const refusal = (line: string): string | null => {
  const request = readRequest(line)
  if (request === undefined) return null
  if (!("refused" in request)) throw new Error(`it is a request: ${JSON.stringify(request)}`)
  return translate.refused(request)
}
const error = (text: string, type: string) =>
  `{"type": "error", "error": ${JSON.stringify(text)}, "error_type": "${type}"}`

describe("a request of midclt's that is none", () => {
  const rows: ReadonlyArray<readonly [line: string, answer: string | null]> = [
    ["", null],
    ["  \t\r", null],
    ["not json", error("Expecting value: line 1 column 1 (char 0)", "JSONDecodeError")],
    ["   not json", error("Expecting value: line 1 column 1 (char 0)", "JSONDecodeError")],
    ["[1,2]", error("'list' object has no attribute 'get'", "AttributeError")],
    ['"ping"', error("'str' object has no attribute 'get'", "AttributeError")],
    ["null", error("'NoneType' object has no attribute 'get'", "AttributeError")],
    ["42", error("'int' object has no attribute 'get'", "AttributeError")],
    ["4.2", error("'float' object has no attribute 'get'", "AttributeError")],
    ["true", error("'bool' object has no attribute 'get'", "AttributeError")],
    ["{}", error("Unknown command: None", "ValueError")],
    ['{"command": 5}', error("Unknown command: 5", "ValueError")],
    ['{"command":"PING"}', error("Unknown command: PING", "ValueError")],
    ['{"command":null}', error("Unknown command: None", "ValueError")],
    ['{"command":["ping"]}', error("Unknown command: ['ping']", "ValueError")],
    ['{"command":"call"}', error("'method'", "KeyError")],
    [
      '{"command":"call","method":"a","params":null}',
      error("Value after * must be an iterable, not NoneType", "TypeError")
    ],
    ['{"command":"call","method":"a","params":5}', error("Value after * must be an iterable, not int", "TypeError")],
    [
      '{"command":"call","method":"a","kwargs":null}',
      error("'NoneType' object has no attribute 'get'", "AttributeError")
    ],
    [
      '{"command":"call","method":"a","kwargs":{"bogus":1}}',
      error("JSONRPCClient.call() got an unexpected keyword argument 'bogus'", "TypeError")
    ],
    [
      '{"command":"call","method":"a","kwargs":{"method":"b"}}',
      error("JSONRPCClient.call() got multiple values for argument 'method'", "TypeError")
    ],
    [
      '{"command":"call","method":"a","params":[{"$set":[{"a":1}]}]}',
      error("Error parsing $set: unhashable type: 'dict'", "EJSONDecodeError")
    ],
    ['{"command":"ping","timeout":"5"}', error("'>' not supported between instances of 'str' and 'int'", "TypeError")],
    [
      '{"command":"call","method":7}',
      `{"type": "error", "error": "'method' member must be of type string", "error_type": "ClientException", "trace": null, "extra": null, "code": -32600}`
    ]
  ]
  for (const [line, answer] of rows)
    it(`${JSON.stringify(line)} is answered as by its own daemon`, () => {
      assert.strictEqual(refusal(line), answer)
    })
})

describe("a request of midclt's", () => {
  const call = { command: "call", method: "a", params: "[]", timeout: "default", job: "no", unheard: "no" }
  const read = (kwargs: string, params = "[]") =>
    readRequest(`{"command":"call","method":"a","params":${params},"kwargs":${kwargs}}`)

  it("may leave out what has a default, and say what nobody looks at", () => {
    assert.deepEqual(readRequest('{"command":"ping","x":1}') as object, { command: "ping", timeout: 10_000 })
    assert.deepEqual(readRequest('{"command":"ping","timeout":null}') as object, { command: "ping", timeout: "never" })
    assert.deepEqual(readRequest('{"command":"stop"}') as object, { command: "stop" })
    assert.deepEqual(readRequest('{"command":"call","method":"a"}') as object, call)
  })

  it("has params that are spread, character for character as they were written", () => {
    const text = '[12345678901234567890, 1e400, -0, {"2":1,"1":2,"1":3}, "\\u00e9"]'
    assert.deepEqual(read("{}", text) as object, { ...call, params: text })
    assert.deepEqual(read("{}", '"aé"') as object, { ...call, params: '["a", "\\u00e9"]' })
    assert.deepEqual(read("{}", '{"x":1,"y":2,"x":3}') as object, { ...call, params: '["x", "y"]' })
    assert.deepEqual(read("{}", '{"$set":[1, 2]}') as object, { ...call, params: "[1, 2]" })
  })

  it("says how long, in seconds, as Python's locks take them", () => {
    const timeouts = ["1", "0.0001", "null", "0", "-1", "true", "false", "1e300"]
    const millis = timeouts.map((timeout) => (read(`{"timeout":${timeout}}`) as { timeout: unknown }).timeout)
    assert.deepEqual(millis, [1000, 1, "never", 0, 0, 1000, 0, "never"])
  })

  it("is a job where that is true in Python", () => {
    const jobs = ["true", "1", '"yes"', "false", "0", "null", '""', '"RETURN"']
    const read_ = jobs.map((job) => (read(`{"job":${job}}`) as { job: unknown }).job)
    assert.deepEqual(read_, ["wait", "wait", "wait", "no", "no", "no", "no", "return"])
  })

  it("has arguments of the function that hob knows a meaning for, and others that mean nothing here", () => {
    assert.deepEqual(read('{"background":true}') as object, { ...call, unheard: "background" })
    assert.deepEqual(read('{"register_call":false}') as object, { ...call, unheard: "unregistered" })
    assert.deepEqual(read('{"register_call":null,"callback":1,"_log_py_enotauthenticated":true}') as object, call)
  })
})

describe("what a call fails with", () => {
  const failed = { upstream: "n", method: "m", errno: null, errname: null, trace: null, extra: null, job: null }
  const said = (line: string) => JSON.parse(line) as Record<string, unknown>

  it("always has trace and extra, and behind them what its own daemon loses", () => {
    const problem = new UpstreamCallFailed({
      ...failed,
      code: -32001,
      reason: "[EFAULT] boom é",
      errno: 14,
      errname: "EFAULT",
      trace: '{"class":"CallError", "n":1e400}',
      extra: "[1]"
    })
    assert.strictEqual(
      translate.failure(problem),
      '{"type": "error", "error": "[EFAULT] boom \\u00e9", "error_type": "ClientException", "trace": {"class":"CallError", "n":1e400}, "extra": [1], "code": -32001, "errno": 14, "errname": "EFAULT"}'
    )
  })

  it("names each parameter that is wrong on a line", () => {
    const extra = '[["mock_create.name", "Field required", 22], [null, "No", 22]]'
    const problem = new UpstreamCallFailed({ ...failed, code: -32602, reason: "Invalid params", trace: "{}", extra })
    assert.deepInclude(said(translate.failure(problem)), {
      error: "[EINVAL] mock_create.name: Field required\n[EINVAL] ALL: No",
      trace: null,
      extra: null,
      errors: JSON.parse(extra) as unknown
    })
    const odd = new UpstreamCallFailed({ ...failed, code: -32602, reason: "Invalid params", extra: '{"a":1}' })
    assert.deepInclude(said(translate.failure(odd)), { error: "Invalid params", extra: { a: 1 } })
  })

  it("is a time-out, a lost connection or an aborted job in hob's words", () => {
    const timedOut = new UpstreamTimedOut({ upstream: "n", method: "m", timeoutMillis: 5, waitedFor: "answer" })
    assert.deepInclude(said(translate.failure(timedOut)), { error: "Call timeout", error_type: "ClientException" })
    assert.strictEqual(translate.pingFailure(timedOut), error("Call timeout", "CallTimeout"))
    const unknown = new UpstreamOutcomeUnknown({ upstream: "n", method: "m", job: 7, reason: "gone" })
    assert.deepInclude(said(translate.failure(unknown)), { error: unknown.message, job: 7, trace: null, extra: null })
    const aborted = new UpstreamJobAborted({ upstream: "n", method: "m", job: 7 })
    assert.deepInclude(said(translate.failure(aborted)), { error: aborted.message, job: 7 })
    assert.strictEqual(translate.pingFailure(unknown), error(unknown.message, "ClientException"))
  })
})
