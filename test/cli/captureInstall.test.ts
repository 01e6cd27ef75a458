import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { installGitHooks, uninstallGitHooks, workTreeOf } from "../../src/cli/capture/gitHooks.ts"
import { gitHookNames, isShellScript, withBlock, withoutBlock } from "../../src/cli/capture/hookScript.ts"
import { Fault } from "../../src/cli/exit.ts"
import { git, repository } from "../capture/support.ts"

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

describe("installing into a repository, and taking it away again", () => {
  let root: string
  let repo: string
  let hooks: string
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "hob-hooks-")))
    repo = repository(join(root, "repo"))
    hooks = join(repo, ".git/hooks")
    rmSync(hooks, { recursive: true, force: true })
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const choice = { destination: "prompts", stage: true, markdown: false } as const
  const install = (stage = true) => installGitHooks(workTreeOf(repo), { ...choice, stage }, command)
  const uninstall = () => uninstallGitHooks(workTreeOf(repo))
  /** All that stands in `.git`, with modes. */
  const all = (): ReadonlyArray<string> =>
    readdirSync(join(repo, ".git"), { recursive: true, encoding: "utf8" })
      .map((name) => join(repo, ".git", name))
      .map((path) => [path, statSync(path)] as const)
      .map(([path, stat]) => `${path} ${stat.mode.toString(8)} ${stat.isFile() ? readFileSync(path, "latin1") : ""}`)
      .toSorted()

  it("leaves every byte and every mode as it was", () => {
    const given: ReadonlyArray<readonly [string, number]> = [
      ["#!/bin/sh\n", 0o755],
      ["#!/bin/sh", 0o700],
      ["", 0o755],
      ["#!/bin/sh\necho mine\n", 0o700],
      ["#!/bin/bash -e\necho mine", 0o750],
      ["#!/usr/bin/env python3\nprint()\n", 0o711],
      ["#!/bin/sh\necho off\n", 0o644]
    ]
    for (const [text, mode] of given) {
      mkdirSync(hooks, { recursive: true })
      for (const name of gitHookNames) {
        writeFileSync(join(hooks, name), text)
        chmodSync(join(hooks, name), mode)
      }
      const before = all()
      install()
      install(false)
      install()
      assert.notDeepEqual(all(), before)
      for (const name of gitHookNames) {
        assert.include(readFileSync(join(hooks, name), "utf8"), "hob capture")
        assert.strictEqual(statSync(join(hooks, name)).mode & 0o100, 0o100)
      }
      uninstall()
      assert.deepStrictEqual(all(), before, JSON.stringify(text))
    }
  })

  it("takes a directory away that it has made, unless something else is in it", () => {
    git(repo, "config", "core.hooksPath", join(root, "no hooks yet"))
    const before = readdirSync(root)
    install()
    install()
    uninstall()
    assert.deepStrictEqual(readdirSync(root), before)
    install()
    writeFileSync(join(root, "no hooks yet/pre-push"), "")
    uninstall()
    assert.deepStrictEqual(readdirSync(join(root, "no hooks yet")), ["pre-push"])
  })

  it("says in a sentence what it can't change, and leaves nothing half", () => {
    mkdirSync(join(hooks, "post-commit"), { recursive: true })
    assert.throws(() => install(), Fault, "is no file: it is left as it is")
    rmSync(join(hooks, "post-commit"), { recursive: true })
    // Nothing can be made in what is no directory.
    rmSync(hooks, { recursive: true })
    writeFileSync(hooks, "")
    assert.throws(() => install(), Fault, "could not be changed: ")
    rmSync(hooks)
    symlinkSync("/proc/self", hooks)
    assert.throws(() => install(), Fault, "could not be changed: ")
  })

  it("never loses a hook that somebody has put in the place of hob's", () => {
    mkdirSync(hooks)
    const [path, first, second] = [join(hooks, "post-commit"), "#!/usr/bin/env node\n1\n", "#!/usr/bin/env node\n2\n"]
    writeFileSync(path, first, { mode: 0o755 })
    install()
    writeFileSync(path, second, { mode: 0o755 })
    assert.throws(() => install(), Fault, "another one is there")
    assert.strictEqual(readFileSync(path, "utf8"), second)
    assert.strictEqual(readFileSync(`${path}.before-hob`, "utf8"), first)
  })
})
