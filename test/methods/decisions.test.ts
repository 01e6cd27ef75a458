import { assert, describe, it } from "vitest"
import { answerOf, promptText } from "../../src/client/askPerson.ts"
import { commandName } from "../../src/config/methodCommands.ts"
import { jsonSchemaCheck } from "../../src/config/jsonSchema.ts"
import { howEnded, lastLine } from "../../src/methods/ending.ts"
import { Registry } from "../../src/methods/Registry.ts"
import { TimeLimits } from "../../src/actors/TimeLimits.ts"
import { decodeFromWorker } from "../../src/methods/decodeFromWorker.ts"
import type { MethodInfo } from "../../src/protocol/methods.ts"
import { jsonText } from "../../src/methodWorker/jsonText.ts"
import { exportedMethods, NoMethods } from "../../src/methodWorker/exported.ts"
import { method, namespace } from "./support.ts"

describe("how a process has ended", () => {
  it("is told by its code or signal, and by what Node said last", () => {
    assert.strictEqual(howEnded(3, null, ""), "it exited with code 3")
    assert.strictEqual(howEnded(null, "SIGSEGV", ""), "it was ended by SIGSEGV")
    const stderr = "file:///a.ts:1\nthrow new TypeError('x')\n^\n\nTypeError: x\n    at a.ts\n\nNode.js v26\n"
    assert.strictEqual(howEnded(1, null, stderr), "it exited with code 1: TypeError: x")
    assert.strictEqual(howEnded(0, null, stderr), "it exited with code 0")
    assert.include(
      howEnded(null, "SIGABRT", "FATAL ERROR: Reached heap limit Allocation failed"),
      "methods.memoryBytes"
    )
    assert.strictEqual(lastLine("a\nb \n\n"), "b")
    assert.strictEqual(lastLine(""), "")
  })
})

describe("names of methods", () => {
  const info = (name: string, where = "n"): MethodInfo => ({
    namespace: namespace(where),
    method: method(name),
    kind: "module"
  })

  it("belong to who declared them first, until they are given up", () => {
    const registry = new Registry<string>()
    assert.deepStrictEqual(registry.declare("a", [info("one"), info("two")]), [])
    const taken = registry.declare("b", [info("two"), info("three"), info("one", "other")])
    assert.deepStrictEqual(
      taken.map(({ info, owner }) => [info.method, owner]),
      [["two", "a"]]
    )
    assert.strictEqual(registry.find(namespace("n"), method("two"))?.owner, "a")
    registry.declare("a", [info("one")])
    registry.declare("b", [info("two"), info("three")])
    assert.strictEqual(registry.find(namespace("n"), method("two"))?.owner, "b")
    assert.isUndefined(registry.find(namespace("other"), method("one")))
    registry.forget("b")
    assert.deepStrictEqual(
      registry.list("all").map(({ method }) => method),
      ["one"]
    )
    assert.isUndefined(registry.find(namespace("__proto__"), method("toString")))
  })

  it("of commands have their namespace before a slash", () => {
    assert.deepStrictEqual(commandName("disk"), { namespace: namespace("default"), method: method("disk") })
    assert.deepStrictEqual(commandName("ci/disk"), { namespace: namespace("ci"), method: method("disk") })
    for (const bad of ["", "a b", "a/b/c", "/a", "a/"]) assert.isUndefined(commandName(bad), bad)
  })
})

describe("time limits", () => {
  it("are over in the order of their instants, whatever their lengths, and not when they were taken back", () => {
    const limits = new TimeLimits()
    const over: Array<string> = []
    const add = (now: number, millis: number, name: string) => limits.add(now, millis, () => over.push(name))
    add(0, 100, "a")
    const back = add(5, 100, "b")
    add(10, 20, "c")
    add(15, 100, "d")
    assert.strictEqual(limits.next, 30)
    assert.deepStrictEqual(limits.take(29), [])
    back()
    back()
    for (const { over } of limits.take(110)) over()
    assert.sameMembers(over, ["a", "c"])
    assert.strictEqual(limits.next, 115)
    limits.take(200)
    assert.isUndefined(limits.next)
  })
})

describe("answers at the terminal", () => {
  it("are what was asked for, or are asked for again", () => {
    const select = { message: "Size?", type: "select", options: [{ value: "s", label: "Small" }] } as const
    assert.strictEqual(answerOf({ message: "", type: "text" }, " as it is "), " as it is ")
    assert.strictEqual(answerOf({ message: "", type: "text", default: "Bob" }, ""), "Bob")
    assert.deepStrictEqual(
      ["y", "YES", "n", "", "maybe"].map((line) => answerOf({ message: "", type: "confirm" }, line)),
      [true, true, false, undefined, undefined]
    )
    assert.strictEqual(answerOf({ message: "", type: "confirm", default: false }, ""), false)
    assert.deepStrictEqual(
      ["1", "s", "Small", "2", "0", ""].map((line) => answerOf(select, line)),
      ["s", "s", "s", undefined, undefined, undefined]
    )
    assert.strictEqual(promptText(select), "Size?\n  1) Small\n1-1: ")
    assert.strictEqual(promptText({ message: "Name\u001b[2J?", type: "text", default: "Bob" }), "Name? [Bob] ")
  })
})

describe("JSON Schema", () => {
  it("of draft 7 is taken as well, and what can't be checked is refused when it is declared", () => {
    const check = jsonSchemaCheck({
      $schema: "http://json-schema.org/draft-07/schema#",
      definitions: { n: { type: "integer" } },
      type: "array",
      items: { $ref: "#/definitions/n" }
    })
    assert.isUndefined(check([1, 2]))
    assert.match(check([1, "2"])!, /^1: /)
    assert.isUndefined(jsonSchemaCheck(true)(5))
    assert.isString(jsonSchemaCheck(false)(5))
    for (const schema of [5, "x", null, [], { contains: { type: "string" }, type: "array" }, { $ref: "http://x/y" }])
      assert.throws(() => jsonSchemaCheck(schema), undefined, undefined, JSON.stringify(schema))
  })
})

describe("what comes from a module's process", () => {
  it("is read by its schema, and nothing else is taken", () => {
    const result = { type: "result", id: 1, value: [1], text: "[1]" } as const
    assert.deepStrictEqual(decodeFromWorker('{"type":"result","id":1,"value":[1]}'), result)
    assert.deepStrictEqual(decodeFromWorker('{"id":1, "value":[ 1 ],"type":"result"}'), result)
    const nothing = { type: "result", id: 12, text: undefined } as const
    assert.deepStrictEqual(decodeFromWorker('{"type":"result","id":12}'), nothing)
    assert.deepStrictEqual(decodeFromWorker('{"id":12,"type":"result"}'), nothing)
    assert.deepStrictEqual(decodeFromWorker('{"type":"pong","more":1}'), { type: "pong" })
    for (const line of [
      "",
      "x",
      "1",
      "null",
      "[]",
      "{}",
      '{"type":"result","id":"1"}',
      '{"type":"result","id":1,"value":}',
      '{"type":"result","id":1,"value":1',
      '{"type":"result","id":1,"value":1},"value":{}}',
      '{"type":"result","id":1}}',
      '{"type":"other"}',
      '{"type":"failed","id":1}'
    ])
      assert.isUndefined(decodeFromWorker(line), line)
  })
})

describe("what can be called of a module", () => {
  // oxlint-disable-next-line typescript/no-extraneous-class
  class Empty {}
  const names = (module: object) => [...exportedMethods(module, () => {}).methods.keys()]

  it("are functions by name, those of a default-exported object, or the methods of a class", () => {
    assert.deepStrictEqual(
      names({
        a: () => 1,
        b: 2,
        C: Empty,
        _d: () => 1
      }),
      ["a"]
    )
    assert.deepStrictEqual(names({ default: { a: () => 1, b: "x" } }), ["a"])
    assert.deepStrictEqual(names({ default: function named() {} }), ["named"])
    assert.deepStrictEqual(
      names({
        __esModule: true,
        default: {
          default: class {
            a() {}
          }
        }
      }),
      ["a"]
    )
    assert.deepStrictEqual(
      names({
        default: class {
          a() {}
          static b() {}
          c = () => 1
          d = 5
        }
      }),
      ["a", "c"]
    )
    for (const module of [
      {},
      { default: 5 },
      { default: null },
      { default: () => 1 },
      {
        default: Empty
      },
      { toString: () => "" }
    ])
      assert.throws(() => names(module), NoMethods)
  })
})

describe("JSON of what a method gives", () => {
  it("is that of JSON.stringify where that loses nothing", () => {
    for (const value of [
      null,
      0,
      -1.5,
      "",
      "ü\u2028",
      true,
      [],
      {},
      [1, [2]],
      { a: { b: [null] } },
      new Date(5),
      Object.create(null)
    ])
      assert.strictEqual(jsonText(value), JSON.stringify(value))
    class Point {
      x = 1
      #hidden = 2
      get both() {
        return this.x + this.#hidden
      }
    }
    assert.strictEqual(jsonText(new Point()), '{"x":1}')
    assert.isUndefined(jsonText(undefined))
    let deep: unknown = 1
    for (let depth = 0; depth < 150; depth++) deep = [deep]
    assert.strictEqual(jsonText(deep), JSON.stringify(deep))
    for (let depth = 0; depth < 100; depth++) deep = [deep]
    assert.match((jsonText(deep) as { problem: string }).problem, /200 levels/)
  })
})
