import { assert, describe, it } from "vitest"
import { buildName, compareVersions, relationOf } from "../../src/config/versions.ts"
import { decideUpgrade } from "../../src/sessions/decideUpgrade.ts"

const own = { version: "1.4.0", build: "aaaaaaaaaaaa" }
const hello = (fields: { version?: string; build?: string | null; features?: ReadonlyArray<string> }) => ({
  pid: 7,
  startedAt: "2026-01-01T00:00:00.000Z",
  features: ["set", "upgrade"],
  ...fields
})
const byItself = { asked: false, downgrade: false, enabled: true, tried: null }
const type = (fields: Parameters<typeof hello>[0], circumstances = {}) =>
  decideUpgrade(hello(fields), { ...byItself, ...circumstances }, own).type

describe("versions", () => {
  it("are ordered as Semantic Versioning says", () => {
    const ordered = [
      "0.9.0",
      "0.10.0",
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
      "1.0.1"
    ]
    for (const [index, version] of ordered.entries()) {
      for (const [other, later] of ordered.entries()) {
        assert.strictEqual(Math.sign(compareVersions(version, later)), Math.sign(index - other), `${version} ${later}`)
      }
    }
    assert.strictEqual(compareVersions("1.0.0+one", "1.0.0+other"), 0)
  })

  it("builds of one version are told apart where both say what they were made from", () => {
    assert.strictEqual(relationOf({ version: "1.4.0", build: "bbbb" }, own), "other")
    assert.strictEqual(relationOf({ version: "1.4.0", build: null }, own), "same")
    assert.strictEqual(relationOf({ version: "1.4.0" }, own), "same")
    assert.strictEqual(relationOf({}, own), "older")
    assert.strictEqual(buildName({ version: "1.4.0", build: "aaaaaaaaaaaa" }), "hob 1.4.0 (build aaaaaaaa)")
  })
})

describe("whether a session-host is replaced", () => {
  it("an older one or one of another build is; its own is not", () => {
    assert.strictEqual(type({ version: "1.3.9", build: "b" }), "upgrade")
    assert.strictEqual(type({ version: "1.4.0", build: "b" }), "upgrade")
    assert.strictEqual(type(own), "current")
  })

  it("a newer one only when somebody says so", () => {
    assert.strictEqual(type({ version: "1.5.0", build: "b" }), "refuse")
    assert.strictEqual(type({ version: "1.5.0", build: "b" }, { asked: true }), "refuse")
    assert.strictEqual(type({ version: "1.5.0", build: "b" }, { asked: true, downgrade: true }), "upgrade")
  })

  it("one that can't be replaced in place is left, and it is said when it goes", () => {
    const decision = decideUpgrade(hello({ features: [] }), { ...byItself, asked: true }, own)
    assert.deepInclude(decision, { type: "refuse", reason: "unsupported" })
    assert.include(decision.type === "refuse" ? decision.detail : "", "goes with its last session")
  })

  it("not by itself where the configuration forbids it, nor a second time", () => {
    const older = { version: "1.3.9", build: "b" }
    assert.strictEqual(type(older, { enabled: false }), "leave")
    assert.strictEqual(type(older, { enabled: false, asked: true }), "upgrade")
    const tried = JSON.stringify([7, "2026-01-01T00:00:00.000Z", "1.3.9", "b"])
    assert.strictEqual(type(older, { tried }), "leave")
    assert.strictEqual(type(older, { tried, asked: true }), "upgrade")
    assert.strictEqual(type({ version: "1.3.8", build: "b" }, { tried }), "upgrade")
  })
})
