import { assert, describe, it } from "vitest"
import { hasHobHooks, isClaude, settingsGiven, withHobHooks } from "../../src/agentHooks/claudeSettings.ts"

const command = "env HOB_HOME=/h /opt/hob/bin/hob"
const hooked = withHobHooks(null, command)!
const file = (value: object) => ({ text: JSON.stringify(value), isFile: true })

describe("the settings of a claude that hob starts", () => {
  it("are meant for programs of that name, wherever they are", () => {
    for (const program of ["claude", "/usr/local/bin/claude", "./claude"]) assert.isTrue(isClaude(program), program)
    for (const program of ["claude-code", "claude/other", "", "bash"]) assert.isFalse(isClaude(program), program)
  })

  it("go behind those that its user gave: the last ones, which are the ones that it heeds", () => {
    assert.isNull(settingsGiven(["-p", "hi"]))
    assert.deepStrictEqual(settingsGiven(["--settings", "a.json", "-p", "hi"]), { value: "a.json", behind: 2 })
    assert.deepStrictEqual(settingsGiven(["-p", "--settings={}", "hi"]), { value: "{}", behind: 2 })
    assert.deepStrictEqual(settingsGiven(["--settings", "a", "--model", "m", "--settings=b"]), {
      value: "b",
      behind: 5
    })
    assert.isNull(settingsGiven(["-p", "--", "--settings", "a"]))
    assert.isNull(settingsGiven(["--settings"]))
  })

  it("hold all that its user's hold, and hob's hooks", () => {
    const theirs = { model: "opus", hooks: { Stop: [{ hooks: [{ type: "command", command: "say done" }] }] } }
    const merged = JSON.parse(withHobHooks(file(theirs), command)!)
    assert.strictEqual(merged.model, "opus")
    assert.lengthOf(merged.hooks.Stop, 2)
    assert.deepStrictEqual(merged.hooks.Stop[0], theirs.hooks.Stop[0])
    assert.deepStrictEqual(merged.hooks.SessionEnd, JSON.parse(hooked).hooks.SessionEnd)
  })

  it("are not made of what claude itself would refuse, or what means something else in another place", () => {
    for (const text of ["{ // no\n}", "[]", "no", '{"a":1,}'])
      assert.isNull(withHobHooks({ text, isFile: true }, command), text)
    const anchored = { permissions: { deny: ["Read(/secrets/**)"] } }
    assert.isNull(withHobHooks(file(anchored), command))
    assert.isNull(withHobHooks(file({ sandbox: { filesystem: { denyRead: ["./secrets"] } } }), command))
    assert.isNotNull(withHobHooks({ ...file(anchored), isFile: false }, command))
    assert.isNotNull(
      withHobHooks(file({ permissions: { deny: ["Read(//etc/**)", "Read(~/x)", "Bash(rm *)"] } }), command)
    )
  })

  it("are not needed where the user's own have the same hooks, all of them, for the same home", () => {
    assert.isTrue(hasHobHooks(hooked, command))
    assert.isTrue(hasHobHooks(withHobHooks(null, "env HOB_HOME=/h /elsewhere/bin/hob")!, command))
    assert.isFalse(hasHobHooks(withHobHooks(null, "/opt/hob/bin/hob")!, command))
    assert.isFalse(hasHobHooks(hooked.replace("SessionEnd", "SessionStart2"), command))
    assert.isFalse(hasHobHooks("no", command))
  })
})
