import { mkdirSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { assert, describe, expect, it, onTestFinished } from "vitest"
import { loadNativePty, ptyUnavailable } from "../../../src/sessionhost/nativePty.ts"
import { startPipes } from "../../../src/sessionhost/pipe.ts"
import { SpawnError } from "../../../src/sessionhost/program.ts"
import { startPtyWith } from "../../../src/sessionhost/pty.ts"
import { forked } from "../../../src/sessionhost/terminals.ts"
import { itPty, run } from "./run.ts"
import { rmSync } from "node:fs"

/** A package of this name beside the real ones, with what `files` holds. */
const packageWith = (files: Record<string, string>): string => {
  const name = `hob-test-${process.pid}-${Math.random().toString(36).slice(2)}`
  const modules = createRequire(import.meta.url)
    .resolve("effect/package.json")
    .replace(/effect\/package\.json$/, "")
  const directory = join(modules, name)
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  for (const [file, content] of Object.entries({ "package.json": "{}", ...files })) {
    mkdirSync(join(directory, file, ".."), { recursive: true })
    writeFileSync(join(directory, file), content)
  }
  return name
}

const failure = (act: () => unknown): SpawnError => {
  try {
    act()
  } catch (error) {
    assert.instanceOf(error, SpawnError)
    return error
  }
  return assert.fail("nothing was thrown")
}

describe("without node-pty", () => {
  const missing = startPtyWith(() => forked(loadNativePty("hob-no-such-package")))

  it("a session under a terminal is refused with what to do about it", () => {
    const error = failure(() => run(missing, "/bin/true", []))
    expect(error).toMatchObject({ reason: "pty-unavailable", subject: "node-pty" })
    expect(error.message).toMatch(/not installed.*npm install.*hob run --pipe/)
  })

  it("a session on pipes runs", async () => {
    failure(() => run(missing, "/bin/true", []))
    expect(await run(startPipes, "/bin/true", []).exit).toEqual({ code: 0, signal: null })
  })

  it("a package without a binary for this system, or with one that can't be loaded, says so", () => {
    const platform = `${process.platform}-${process.arch}`
    expect(failure(() => loadNativePty(packageWith({}))).message).toContain(`no binary for ${platform}`)
    const broken = packageWith({ [`prebuilds/${platform}/pty.node`]: "not a shared object" })
    expect(failure(() => loadNativePty(broken)).message).toContain("could not be loaded")
    const both = packageWith({ "build/Release/pty.node": "", [`prebuilds/${platform}/pty.node`]: "" })
    expect(failure(() => loadNativePty(both)).reason).toBe("pty-unavailable")
  })
})

describe("with node-pty", () => {
  itPty("nothing is unavailable", () => {
    expect(ptyUnavailable()).toBe(null)
    expect(loadNativePty().native).toMatchObject({ fork: expect.any(Function), resize: expect.any(Function) })
  })
})
