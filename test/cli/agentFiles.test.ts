import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { assert, describe, it } from "vitest"
import { installAgent, isThere, uninstallAgent } from "../../src/cli/capture/agentFiles.ts"
import type { AgentName } from "../../src/config/agentPaths.ts"

const words = ["env", "HOB_HOME=/h", "/opt/hob/bin/hob"]
const command = words.join(" ")

/** A HOME with a file in it. */
const homeWith = (file: string, text: string | Buffer) => {
  const HOME = mkdtempSync(join(tmpdir(), "dotfiles-"))
  const path = join(HOME, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return { env: { HOME }, path }
}

const install = (agent: AgentName, env: { readonly HOME: string }) => installAgent(agent, env, words, command)
const settled = (outcomes: ReadonlyArray<{ readonly done: boolean }>) => outcomes.map(({ done }) => done)

describe("the configuration of an agent", () => {
  it("comes back as it was, by its bytes, its mode and its link, when hob's hooks are taken out", () => {
    const texts: ReadonlyArray<readonly [AgentName, string, string]> = [
      ["claude", ".claude/settings.json", '{"permissions":{"allow":["Bash(ls)"]},"n":1.0}'],
      ["gemini", ".gemini/settings.json", '{\r\n\t// mine\r\n\t"ui": { "theme": "x", }, /* last */\r\n}\r\n'],
      ["gemini", ".gemini/settings.json", "{ // mine\n}\n"],
      ["cursor", ".cursor/hooks.json", '{ "version": 1, "hooks": { "stop": [{ "command": "say" }] } }\n'],
      ["codex", ".codex/config.toml", '# mine\nmodel = "x"\n\n[tui]\nnotifications = true\n']
    ]
    for (const [agent, file, text] of texts) {
      const { env, path } = homeWith(file, text)
      const elsewhere = join(env.HOME, "dotfiles")
      writeFileSync(elsewhere, text, { mode: 0o640 })
      chmodSync(elsewhere, 0o640)
      for (const isLink of [false, true]) {
        if (isLink) {
          rmSync(path)
          symlinkSync("../dotfiles", path)
        }
        assert.deepStrictEqual([...new Set(settled(install(agent, env)))], [true], file)
        const once = readFileSync(path, "utf8")
        assert.include(once, "capture")
        assert.deepStrictEqual([...new Set(settled(install(agent, env)))], [true])
        assert.strictEqual(readFileSync(path, "utf8"), once)
        uninstallAgent(agent, env)
        assert.strictEqual(readFileSync(path, "utf8"), text)
        assert.deepStrictEqual(uninstallAgent(agent, env), [])
      }
      assert.isTrue(lstatSync(path).isSymbolicLink())
      assert.strictEqual(statSync(elsewhere).mode & 0o777, 0o640)
      assert.deepStrictEqual(
        readdirSync(dirname(path)).filter((name) => name.includes("hob-")),
        []
      )
    }
  })

  it("is left alone, and that is said, where hob does not understand it or may not write it", () => {
    const { env, path } = homeWith(".claude/settings.json", "{}")
    const odd: ReadonlyArray<readonly [string, () => void]> = [
      ["no JSON", () => writeFileSync(path, '{ "a": ')],
      ["a list", () => writeFileSync(path, "[]")],
      ["hooks that are none", () => writeFileSync(path, '{ "hooks": "yes" }')],
      ["not UTF-8", () => writeFileSync(path, Buffer.from([0x7b, 0xff, 0x7d]))],
      ["UTF-16", () => writeFileSync(path, Buffer.from("\uFEFF{}", "utf16le"))],
      ["read-only", () => (writeFileSync(path, "{}"), chmodSync(path, 0o444))]
    ]
    for (const [what, make] of odd) {
      make()
      const before = readFileSync(path)
      const [outcome] = install("claude", env)
      assert.isFalse(outcome!.done, what)
      assert.include(outcome!.sentence, path)
      assert.isTrue(readFileSync(path).equals(before), what)
    }
    const other = homeWith(".gemini/other.json", "")
    const settings = join(dirname(other.path), "settings.json")
    symlinkSync("nowhere.json", settings)
    assert.deepStrictEqual(settled(install("gemini", other.env)), [false])
    assert.strictEqual(readlinkSync(settings), "nowhere.json")
    const directory = homeWith(".cursor/hooks.json/x", "")
    assert.deepStrictEqual(settled(install("cursor", directory.env)), [false])
  })

  it("of one that has none yet is made for its owner alone, and gone again; what a link leads to stays", () => {
    const HOME = mkdtempSync(join(tmpdir(), "dotfiles-"))
    assert.isFalse(isThere("claude", { HOME }))
    install("claude", { HOME })
    const path = join(HOME, ".claude/settings.json")
    assert.strictEqual(statSync(path).mode & 0o777, 0o600)
    uninstallAgent("claude", { HOME })
    assert.isFalse(existsSync(path))
    const target = join(HOME, "target.json")
    writeFileSync(target, "{}\n")
    symlinkSync(target, path)
    install("claude", { HOME })
    uninstallAgent("claude", { HOME })
    assert.strictEqual(readFileSync(target, "utf8"), "{}\n")
  })

  it("that has several names keeps them", () => {
    const { env, path } = homeWith(".claude/settings.json", "{}\n")
    linkSync(path, join(env.HOME, "backup.json"))
    install("claude", env)
    assert.include(readFileSync(join(env.HOME, "backup.json"), "utf8"), "capture hook claude")
  })

  it("of Codex keeps its own notify; hooks are put in all the same", () => {
    const { env, path } = homeWith(".codex/config.toml", 'notify = [\n  "say",\n]\n')
    assert.deepStrictEqual(settled(install("codex", env)), [false, true])
    assert.strictEqual(readFileSync(path, "utf8"), 'notify = [\n  "say",\n]\n')
  })
})
