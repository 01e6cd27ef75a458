import * as fc from "fast-check"
import { Effect, Exit } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { setInConfigFile, withValue } from "../../src/config/editConfigFile.ts"
import { type JsonText, parseJsonText } from "../../src/config/jsonText.ts"

const KEY = "dialects.enabled"

const edited = (text: string, value: ReadonlyArray<string> = ["a"]): string =>
  withValue(parseJsonText(text) as JsonText, KEY, value)

describe("a setting that is written into a text", () => {
  it("takes the place of the value that is there, and nothing else moves", () => {
    const text =
      '{\n\t"sessions" : {"maxCount":1e1},\n\t"dialects": { "enabled"\n: [\n"x" ] , "claudeSessions": {} }\n}\n\n'
    assert.strictEqual(
      edited(text, ["a", "b"]),
      '{\n\t"sessions" : {"maxCount":1e1},\n\t"dialects": { "enabled"\n: ["a", "b"] , "claudeSessions": {} }\n}\n\n'
    )
  })

  it("becomes the last member of its group, or of the file", () => {
    assert.strictEqual(edited('{"dialects": {"x": {}}}'), '{"dialects": {"x": {}, "enabled": ["a"]}}')
    assert.strictEqual(edited('{"dialects": {}}'), '{"dialects": {\n    "enabled": ["a"]\n  }}')
    assert.strictEqual(edited("{}"), '{\n  "dialects": { "enabled": ["a"] }\n}')
    assert.strictEqual(
      edited('{\n  "sessions": {\n    "maxCount": 2\n  }\n}\n'),
      '{\n  "sessions": {\n    "maxCount": 2\n  },\n  "dialects": { "enabled": ["a"] }\n}\n'
    )
  })

  it("is what is read back, with everything else as it was, whatever the text looks like", () => {
    // No backslash in keys: V8 takes `"\"\""` for the key `\"` once it has seen that one in an object of the same shape.
    const group = fc.dictionary(fc.stringMatching(/^[a-z" ]{1,5}$/), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(
        fc.record({ dialects: group, daemon: group, sessions: group }, { requiredKeys: [] }),
        fc.constantFrom(0, 2, "\t"),
        fc.array(fc.string()),
        (before, space, value) => {
          const text = JSON.stringify(before, null, space)
          const wanted = JSON.parse(text) as typeof before
          wanted.dialects = { ...wanted.dialects, enabled: value }
          assert.deepStrictEqual(JSON.parse(edited(text, value)), wanted)
        }
      ),
      { numRuns: 500 }
    )
  })
})

describe("the configuration file", () => {
  let directory: string
  let file: string
  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), "hob-config-"))
    file = join(directory, "config.json")
  })
  afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

  const set = (value: ReadonlyArray<string>) => Effect.runPromiseExit(setInConfigFile(file, KEY, value))
  const failure = async (value: ReadonlyArray<string>) => {
    const exit = await set(value)
    return Exit.isFailure(exit) ? (exit.cause.reasons[0] as { readonly error: Error & { _tag: string } }).error : null
  }

  it("is made when there is none, for its owner alone", async () => {
    assert.isTrue(Exit.isSuccess(await set(["a"])))
    assert.deepStrictEqual(JSON.parse(fs.readFileSync(file, "utf8")), { dialects: { enabled: ["a"] } })
    assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
    assert.deepStrictEqual(fs.readdirSync(directory), ["config.json"])
  })

  it("keeps its mode, and a link to it stays a link", async () => {
    const real = join(directory, "dotfiles.json")
    fs.writeFileSync(real, "{}", { mode: 0o640 })
    fs.symlinkSync(real, file)
    assert.isTrue(Exit.isSuccess(await set(["a"])))
    assert.isTrue(fs.lstatSync(file).isSymbolicLink())
    assert.deepStrictEqual(JSON.parse(fs.readFileSync(real, "utf8")), { dialects: { enabled: ["a"] } })
    assert.strictEqual(fs.statSync(real).mode & 0o777, 0o640)
  })

  it("is left alone where it has a mistake, which is told", async () => {
    for (const broken of ["{", "[]", '{"a": 1, "a": 2}']) {
      fs.writeFileSync(file, broken, { mode: 0o600 })
      assert.strictEqual((await failure(["a"]))?._tag, "ConfigInvalid")
      assert.strictEqual(fs.readFileSync(file, "utf8"), broken)
    }
  })

  it("is left alone when it can't be replaced, and the error names it", async () => {
    // A directory where the new file would be put together: as good as a disk that takes nothing.
    fs.mkdirSync(join(directory, `.config.json.${process.pid}`, "full"), { recursive: true })
    const error = await failure(["a"])
    assert.strictEqual(error?._tag, "ConfigNotWritten")
    assert.include(error?.message, file)
    assert.isFalse(fs.existsSync(file))
  })
})
