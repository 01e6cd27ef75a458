import { assert, describe, it } from "vitest"
import { gitHookNames, isShellScript, withBlock, withoutBlock } from "../../src/cli/capture/hookScript.ts"

const command = "env HOB_HOME=/h '/a b/bin/hob'"

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
