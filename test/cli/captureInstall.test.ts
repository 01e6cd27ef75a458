import { assert, describe, it } from "vitest"
import {
  claudeConfig,
  cursorConfig,
  geminiConfig,
  withNotify,
  withoutNotify
} from "../../src/cli/capture/agentConfigs.ts"
import { gitHookNames, isShellScript, withBlock, withoutBlock } from "../../src/cli/capture/hookScript.ts"

const command = "env HOB_HOME=/h '/a b/bin/hob'"

describe("hob's hooks in an agent's configuration", () => {
  const theirs = {
    model: "opus",
    hooks: {
      Stop: [{ hooks: [{ type: "command", command: "say done" }] }],
      PreToolUse: [{ matcher: "Bash", hooks: [{ type: "command", command: "check" }] }],
      Odd: "not a list"
    }
  }

  for (const [name, config] of Object.entries({ claudeConfig, geminiConfig })) {
    it(`are put in once, beside what is there, and taken out again: ${name}`, () => {
      const once = config.install(theirs, command)
      assert.deepStrictEqual(config.install(once, command), once)
      assert.deepStrictEqual(config.install(config.install(theirs, "/other/hob"), command), once)
      assert.include(JSON.stringify(once), "say done")
      assert.include(JSON.stringify(once), "capture hook")
      assert.deepStrictEqual(config.uninstall(once), theirs)
      assert.deepStrictEqual(config.uninstall(config.install({}, command)), {})
      assert.deepStrictEqual(config.uninstall(theirs), theirs)
    })
  }

  it("are put into Cursor's, which has entries in place of groups", () => {
    const mine = { version: 1, hooks: { stop: [{ command: "say done" }], beforeSubmitPrompt: [{ command: "log it" }] } }
    const once = cursorConfig.install(mine, command)
    assert.deepStrictEqual(cursorConfig.install(once, command), once)
    assert.deepStrictEqual(cursorConfig.uninstall(once), mine)
    assert.deepStrictEqual(cursorConfig.uninstall(cursorConfig.install({}, command)), { version: 1 })
  })

  it("are put into Codex' before its first table, unless it notifies another program", () => {
    const toml = '# mine\nmodel = "gpt-5-codex"\n[tui]\nnotify = true\n'
    const once = withNotify(toml, ["env", "A=b", "/x/hob"])!
    assert.isTrue(once.startsWith('notify = ["env","A=b","/x/hob","capture","hook","codex"]'))
    assert.strictEqual(withNotify(once, ["env", "A=b", "/x/hob"]), once)
    assert.strictEqual(withoutNotify(once), toml)
    assert.isNull(withNotify('notify = ["say"]\n', ["hob"]))
  })
})

describe("hob's lines in a hook of git", () => {
  const scripts = [
    "#!/bin/sh\necho mine\nexit 3\n",
    "#!/usr/bin/env bash\nset -e\necho mine",
    "#!/bin/sh -e\n\n# mine\necho x\n"
  ]

  it("stand before all others, once, and are taken out without a trace", () => {
    for (const name of gitHookNames) {
      for (const script of scripts) {
        const once = withBlock(script, name, command)
        assert.strictEqual(withBlock(once, name, command), once)
        assert.strictEqual(withBlock(withBlock(script, name, "/old/hob"), name, command), once)
        assert.strictEqual(once.split("\n")[0], script.split("\n")[0])
        assert.isBelow(once.indexOf("hob capture"), Math.max(once.indexOf("echo mine"), once.length))
        if (script.includes("echo")) assert.strictEqual(withoutBlock(once), script)
        else assert.isNull(withoutBlock(once))
      }
      assert.isNull(withoutBlock(withBlock(null, name, command)))
    }
  })

  it("are only put into what a shell reads", () => {
    for (const text of ["#!/bin/sh\n", "#!/usr/bin/env -S bash\n", "#! /bin/zsh -f\n", "#!bash\n"])
      assert.isTrue(isShellScript(text), text)
    for (const text of [
      "#!/usr/bin/env node\n",
      "#!/usr/bin/python3\n",
      "echo\n",
      "",
      "#!/bin/shell-like\n",
      "\u007fELF"
    ])
      assert.isFalse(isShellScript(text), text)
  })
})
