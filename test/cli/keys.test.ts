import { assert, describe, it } from "vitest"
import { dependsOnMode, keyBytes, parseKey } from "../../src/cli/keys.ts"
import { detachKeyPattern } from "../../src/config/detachKey.ts"
import { isDetachKey } from "../../src/cli/terminal/detach.ts"

const bytes = (name: string) => keyBytes(name)?.toString("latin1")

describe("keys by name", () => {
  it("are the bytes a terminal sends for them", () => {
    const table: ReadonlyArray<readonly [string, string]> = [
      ["a", "a"],
      ["A", "A"],
      [":", ":"],
      ["é", Buffer.from("é").toString("latin1")],
      ["Enter", "\r"],
      ["enter", "\r"],
      ["Tab", "\t"],
      ["BTab", "\x1b[Z"],
      ["S-Tab", "\x1b[Z"],
      ["Space", " "],
      ["Escape", "\x1b"],
      ["Esc", "\x1b"],
      ["BSpace", "\x7f"],
      ["C-c", "\x03"],
      ["C-C", "\x03"],
      ["^C", "\x03"],
      ["C-\\", "\x1c"],
      ["C-Space", "\0"],
      ["C-@", "\0"],
      ["C-[", "\x1b"],
      ["C-?", "\x7f"],
      ["M-x", "\x1bx"],
      ["M-X", "\x1bX"],
      ["C-M-x", "\x1b\x18"],
      ["M-Enter", "\x1b\r"],
      ["Up", "\x1b[A"],
      ["C-Up", "\x1b[1;5A"],
      ["S-Left", "\x1b[1;2D"],
      ["M-C-Right", "\x1b[1;7C"],
      ["Home", "\x1b[H"],
      ["End", "\x1b[F"],
      ["Delete", "\x1b[3~"],
      ["DC", "\x1b[3~"],
      ["PageUp", "\x1b[5~"],
      ["C-PgDn", "\x1b[6;5~"],
      ["F1", "\x1bOP"],
      ["S-F1", "\x1b[1;2P"],
      ["F5", "\x1b[15~"],
      ["F12", "\x1b[24~"]
    ]
    assert.deepStrictEqual(
      table.map(([name]) => [name, bytes(name)]),
      table.map(([name, expected]) => [name, expected])
    )
  })

  it("are sent as the program has asked for them, where that is not the same", () => {
    const names = ["Up", "Down", "Left", "Right", "Home", "End", "C-Up", "PageUp", "F1", "x"]
    const application = (name: string) => keyBytes(name, true)?.toString("latin1")
    const sent = names.map(application)
    assert.deepStrictEqual(sent.slice(0, 6), ["\x1bOA", "\x1bOB", "\x1bOD", "\x1bOC", "\x1bOH", "\x1bOF"])
    assert.deepStrictEqual(sent.slice(6), names.slice(6).map(bytes))
    assert.deepStrictEqual(
      names.filter((name) => application(name) !== bytes(name)),
      names.filter(dependsOnMode)
    )
  })

  it("that do not exist are not known", () => {
    for (const name of ["", "Entr", "C-", "C-é", "F13", "X-a", "ab", "C-Enter", "toString"]) {
      assert.isUndefined(bytes(name), name)
    }
  })

  it("a lone dash is a character, not an unfinished modifier", () => {
    assert.strictEqual(bytes("-"), "-")
    assert.deepStrictEqual(parseKey("C-x")?.ctrl, true)
  })

  it("the detach keys that the configuration accepts are the ones the terminal knows", () => {
    for (const spec of ["C-\\", "C-b d", "^]", "M-d", "F12", "C-Up", "C-a  C-d", "Escape Escape", "C-Space"]) {
      assert.isTrue(detachKeyPattern.test(spec), `configuration: ${spec}`)
      assert.isTrue(isDetachKey(spec), `terminal: ${spec}`)
    }
    for (const spec of ["C-é", "Foo", "C-Enter", "F13"]) {
      assert.isFalse(detachKeyPattern.test(spec), `configuration: ${spec}`)
      assert.isFalse(isDetachKey(spec), `terminal: ${spec}`)
    }
  })
})
