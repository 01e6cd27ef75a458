import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import {
  claudeConfig,
  codexConfig,
  cursorConfig,
  geminiConfig,
  ownCommands,
  withNotify,
  withoutNotify
} from "../../src/agentHooks/configs.ts"
import { parseJsonc, valueOf } from "../../src/agentHooks/jsonc.ts"

const command = "env HOB_HOME=/h '/a b/bin/hob'"
const configs = Object.entries({ claudeConfig, codexConfig, cursorConfig, geminiConfig })
const events: Readonly<Record<string, string>> = {
  claudeConfig: "Stop",
  codexConfig: "Stop",
  cursorConfig: "afterFileEdit",
  geminiConfig: "AfterTool"
}

const read = (text: string): any => {
  const node = parseJsonc(text)
  assert.isNotNull(node, text)
  return valueOf(node!)
}

/** Files as people have them. */
const texts: Readonly<Record<string, string>> = {
  "an empty object": "{}\n",
  "on one line": '{"model":"opus","hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}]}}',
  "with comments and last commas": `{
  // mine
  "model": "opus", /* the large one */
  "hooks": {
    // said at the end
    "Stop": [
      { "hooks": [{ "type": "command", "command": "say done" }] }, // loud
    ],
    "AfterTool": [
      { "hooks": [{ "type": "command", "command": "lint" }] }
      // nothing else
    ]
  }, // of hooks
}
`,
  "with tabs": '{\n\t"model": "opus",\n\t"hooks": {\n\t\t"Stop": []\n\t}\n}\n',
  "of another system": '{\r\n    "model": "opus" // mine\r\n}\r\n',
  "with a byte order mark": '\uFEFF{\n  "version": 1,\n  "a": [1, 2.50, 1e3]\n}',
  "with other entries for the same event":
    '{\n  "version": 1,\n  "hooks": {\n    "afterFileEdit": [{ "command": "fmt" }],\n    "Stop": [{ "matcher": "x", "hooks": [] }]\n  }\n}\n',
  "with a key twice": '{ "hooks": { "Stop": [] }, "hooks": { "Stop": [{ "hooks": [{ "command": "x" }] }] } }'
}

describe("hob's hooks in an agent's configuration", () => {
  for (const [name, config] of configs) {
    for (const [kind, text] of Object.entries(texts)) {
      it(`are put in once and taken out again, and every other character stays: ${name}, ${kind}`, () => {
        const once = config.install(text, command)!
        assert.strictEqual(config.install(once, command), once)
        assert.notInclude(config.install(config.install(text, "/other/hob")!, command)!, "/other")
        assert.lengthOf(ownCommands(once, events[name]!), 1)
        const without = config.uninstall(once)!
        const expected = name === "cursorConfig" ? config.uninstall(without)! : text
        if (name !== "cursorConfig" || text.includes('"version"')) {
          // An event's list, or the hooks themselves, that were empty are as if they were not there.
          assert.deepStrictEqual(withoutEmpty(read(without)), withoutEmpty(read(expected)))
          if (!/\[\]|\{\}/.test(text)) assert.strictEqual(without, expected)
        }
        for (const remark of text.match(/\/\/.*|\/\*.*\*\//g) ?? []) assert.include(once, remark)
        assert.strictEqual(config.uninstall(text), text)
      })
    }

    it(`keep whatever else there is: ${name}`, () => {
      fc.assert(
        fc.property(
          fc.dictionary(fc.string(), fc.jsonValue()).filter((value) => !("hooks" in value)),
          fc.constantFrom(0, 2, 4, "\t"),
          (value, indent) => {
            const text = JSON.stringify(value, null, indent)
            const { hooks, version, ...rest } = read(config.install(text, command)!)
            const { version: _, ...given } = JSON.parse(text) as { readonly version?: unknown }
            assert.deepStrictEqual(rest, given)
            assert.isObject(hooks)
            if ("version" in value) assert.deepStrictEqual(version, JSON.parse(text).version)
            const back = config.uninstall(config.install(text, command)!)!
            if (name !== "cursorConfig") assert.strictEqual(back, text)
          }
        ),
        { numRuns: 200 }
      )
    })
  }

  /** JSON with remarks and commas wherever they may be. */
  const spelled = (value: any, trivia: () => string, comma: () => boolean): string => {
    if (typeof value !== "object" || value === null) return JSON.stringify(value)
    const isList = Array.isArray(value)
    const parts = isList
      ? value.map((each: any) => spelled(each, trivia, comma))
      : Object.entries(value).map(
          ([key, each]) => `${JSON.stringify(key)}${trivia()}:${trivia()}${spelled(each, trivia, comma)}`
        )
    const inner =
      parts.map((part: string) => `${trivia()}${part}${trivia()}`).join(",") + (parts.length > 0 && comma() ? "," : "")
    return isList ? `[${inner}${trivia()}]` : `{${inner}${trivia()}}`
  }

  it("go in and out of whatever people have remarked, wherever", () => {
    const hook = fc.record({ type: fc.constant("command"), command: fc.constantFrom("say", "fmt") })
    const hooks = fc.dictionary(
      fc.constantFrom("Stop", "AfterTool", "SessionEnd", "PreToolUse"),
      fc.array(fc.record({ hooks: fc.array(hook, { maxLength: 2 }) }), { maxLength: 2 })
    )
    const config = fc.record({ model: fc.string(), hooks, ui: fc.jsonValue() }, { requiredKeys: [] })
    const remark = fc.constantFrom("", "", " ", "\n", "\n  ", " // a, {\n", "/* [ */", "\r\n\t", "//}\n")
    fc.assert(
      fc.property(config, fc.infiniteStream(remark), fc.infiniteStream(fc.boolean()), (value, remarks, commas) => {
        const text = `${spelled(
          value,
          () => remarks.next().value!,
          () => commas.next().value!
        )}\n`
        assert.deepStrictEqual(read(text), JSON.parse(JSON.stringify(value)))
        const once = claudeConfig.install(text, command)!
        assert.isNotNull(once, text)
        assert.strictEqual(claudeConfig.install(once, command), once)
        const back = claudeConfig.uninstall(once)!
        assert.isNotNull(back, once)
        assert.deepStrictEqual(withoutEmpty(read(back)), withoutEmpty(read(text)))
        // What is remarked within a list that is empty goes with it.
        if (/\[\]|\{\}/.test(JSON.stringify(value.hooks ?? 0))) return
        for (const kind of ["// a, {", "/* [ */", "//}"]) {
          assert.lengthOf(back.split(kind), text.split(kind).length, `${text}\n→\n${back}`)
        }
      }),
      { numRuns: 500 }
    )
  })

  const withoutEmpty = (value: any): any =>
    Array.isArray(value) || typeof value !== "object" || value === null
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
            .filter(
              ([key, inner]) => key !== "version" && JSON.stringify(inner) !== "[]" && JSON.stringify(inner) !== "{}"
            )
        )

  it("go between two remarks of one line where what they are of ends between them", () => {
    const once = claudeConfig.install('{"hooks": {"Stop": [{"hooks": []}\n,/* a */]/* b */\n}}\n', command)!
    assert.isNotNull(once)
    assert.lengthOf(ownCommands(once, "Stop"), 1)
  })

  it("are not put into what nobody understands", () => {
    for (const text of [
      "[]",
      "no",
      "{",
      '{"hooks": []}',
      '{"hooks": null}',
      '{"hooks":{"Stop":{}}}',
      '{"a" 1}',
      "{} {}",
      "{'a':1}"
    ]) {
      assert.isNull(claudeConfig.install(text, command), text)
    }
    for (const text of ["[]", "no", "{"]) assert.isNull(claudeConfig.uninstall(text), text)
    assert.isNull(claudeConfig.install("[".repeat(100_000), command))
  })

  it("leave a file empty that they were alone in", () => {
    for (const [, config] of configs) {
      const text = config.uninstall(config.install("", command)!)!
      assert.isTrue(config.isEmpty(text), text)
    }
    assert.isFalse(claudeConfig.isEmpty('{ "model": "opus" }'))
    assert.isFalse(claudeConfig.isEmpty("{\n  // mine\n}"))
  })

  it("are put into Codex' notify before its first table, unless it notifies another program", () => {
    const toml = '# mine\nmodel = "gpt-5-codex"\n[tui]\nnotify = true\n'
    const once = withNotify(toml, ["env", "A=b", "/x/hob"])!
    assert.match(
      once,
      /^notify = \["\/bin\/sh","-c",.*"hob","env","A=b","\/x\/hob","capture","hook","codex"\] # hob capture\n# mine/
    )
    assert.strictEqual(withNotify(once, ["env", "A=b", "/x/hob"]), once)
    assert.strictEqual(withoutNotify(once), toml)
    assert.isNull(withNotify('notify = ["say"]\n', ["hob"]))
  })
})
