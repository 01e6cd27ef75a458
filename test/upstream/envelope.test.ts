import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { paramsProblem, readEnvelope, request } from "../../src/upstream/envelope.ts"
import { arrayElements, endOfValue, objectMembers, oneLine } from "../../src/upstream/scan.ts"

/** What parsing and writing would change, or could not read at all. */
const odd = [
  "12345678901234567890",
  "-0",
  "1e400",
  "1.0",
  "1E+2",
  "NaN",
  '{"10": 1, "2": 2, "a": 3}',
  '{"a": 1, "a": 2, "__proto__": {"x": 1}}',
  '{"$date": 1700000000500}',
  '{"$set": [3, 1, 2]}',
  '"\\u00e9\\ud83d\\ude00 \\ud800 \\/ \\" \\\\"',
  '"}]\\"{[,:"',
  '{"result": {"id": "not this one", "error": null}}',
  "[ ]",
  "{ }",
  "[\n 1 ,\t2\r\n]",
  "null",
  "true",
  '""'
]

describe("envelopes", () => {
  it("give the result as it was written, whatever it is and however the envelope is spaced", () => {
    for (const result of odd) {
      for (const frame of [
        `{"jsonrpc": "2.0", "result": ${result}, "id": "x-1"}`,
        `{"id":"x-1","result":${result},"jsonrpc":"2.0"}`,
        ` {\n"result"\t:\r\n${result}\n,"error":null , "id" : "x\\u002d1" } `
      ]) {
        assert.deepStrictEqual(readEnvelope(frame), { type: "result", id: "x-1", result }, frame)
      }
    }
  })

  it("agree with JSON.parse about every value there is", () => {
    const frames = fc.tuple(fc.jsonValue(), fc.jsonValue(), fc.string(), fc.nat(3))
    fc.assert(
      fc.property(frames, ([result, other, id, indent]) => {
        const frame = JSON.stringify({ other, result, id, jsonrpc: "2.0" }, null, indent)
        const read = readEnvelope(frame)
        assert.strictEqual(read.type, "result")
        if (read.type !== "result") return
        assert.strictEqual(read.id, JSON.parse(frame).id)
        assert.deepStrictEqual(JSON.parse(read.result), JSON.parse(frame).result)
        assert.include(frame, read.result)
      }),
      { numRuns: 500 }
    )
  })

  it("of requests carry parameters as they were written", () => {
    for (const value of odd.filter((value) => value !== "NaN")) {
      const params = `[${value}, 1]`
      assert.isUndefined(paramsProblem(params))
      const members = objectMembers(request("id-1", 'a"b', params))!
      assert.strictEqual(members.get("params"), params)
      assert.strictEqual(members.get("method"), '"a\\"b"')
    }
  })

  it("of requests let nobody write beside the parameters", () => {
    for (const params of ['[], "method": "auth.logout"', "[] []", "{}", "", "null", "[1", '"[]"', "[NaN]", "[tru]"]) {
      assert.isString(paramsProblem(params), params)
    }
  })

  it("tell what failed, with trace and extra as they were written", () => {
    const error = `{"code": -32001, "message": "Method call error", "data": {"error": 14, "errname": "EFAULT", "reason": "[EFAULT] boom", "trace": {"class": "CallError", "n": 1e400}, "extra": [["a", "b", 22]]}}`
    assert.deepStrictEqual(readEnvelope(`{"jsonrpc": "2.0", "error": ${error}, "id": "7"}`), {
      type: "error",
      id: "7",
      error: {
        code: -32001,
        reason: "[EFAULT] boom",
        errno: 14,
        errname: "EFAULT",
        trace: '{"class": "CallError", "n": 1e400}',
        extra: '[["a", "b", 22]]'
      }
    })
    // A code that nobody knows, and nothing beside it, is an error all the same.
    const bare = readEnvelope(`{"error":{"code":-32099},"id":"7"}`)
    assert.strictEqual(bare.type, "error")
    const nobody = readEnvelope(`{"error":{"code":-32700,"message":"Invalid JSON"},"id":null}`)
    assert.deepInclude(nobody, { type: "error", id: null })
  })

  it("that are none are told from those that are", () => {
    for (const frame of [
      "",
      "not json",
      "[]",
      "42",
      "null",
      "{",
      "{}",
      '{"id":"1"}',
      '{"id":"1","result":}',
      '{"id":"1","result":1',
      '{"id":"1","result":[}',
      '{"id":"1","result":[1,2}}',
      '{"id":"1","result":"x}',
      '{"id":"1","result":1}}',
      '{"id":"1","result":1} {"id":"2","result":2}',
      '{"id":1,"result":1}',
      '{"id":"1" "result":1}',
      '{"id":"1","result":1,}',
      '{id:"1","result":1}',
      '{"id":"1","error":7}',
      '{"method":5,"params":{}}'
    ]) {
      assert.strictEqual(readEnvelope(frame).type, "malformed", frame)
    }
  })

  it("never end beyond their text, whatever it is", () => {
    const fragments = fc.array(fc.constantFrom("{", "}", "[", "]", '"', "\\", ",", ":", "1", " ", "a", "\n"))
    fc.assert(
      fc.property(fragments, (parts) => {
        const text = parts.join("")
        const end = endOfValue(text, 0)
        assert.isTrue(end === -1 || (end > 0 && end <= text.length))
        objectMembers(text)
        arrayElements(text)
      }),
      { numRuns: 2000 }
    )
  })

  it("are put on one line without a change of value", () => {
    const text = '{"a":\r\n [1,\n2], "b": "\\n"}'
    assert.deepStrictEqual(JSON.parse(oneLine(text)), JSON.parse(text))
    assert.notInclude(oneLine(text), "\n")
  })
})
