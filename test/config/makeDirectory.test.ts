import { existsSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { makeDirectory, makeDirectorySync } from "../../src/config/makeDirectory.ts"

const codeOf = async (act: () => unknown) => {
  try {
    await act()
    return "made"
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

describe("making a directory", () => {
  for (const [name, make] of [
    ["makeDirectory", makeDirectory],
    ["makeDirectorySync", makeDirectorySync]
  ] as const) {
    it(`${name} makes its parents too, with the mode that is asked for`, async () => {
      const root = mkdtempSync(join(tmpdir(), "hob-"))
      const path = join(root, "a", "b", "c")
      await make(path, 0o700)
      assert.strictEqual(statSync(path).mode & 0o777, 0o700)
      assert.strictEqual(statSync(join(root, "a")).mode & 0o777, 0o700)
      assert.strictEqual(await codeOf(() => make(path)), "made")
    })

    it(`${name} comes back where none can be made, also below /proc and by a link that leads there`, async () => {
      const root = mkdtempSync(join(tmpdir(), "hob-"))
      symlinkSync("/proc", join(root, "link"))
      writeFileSync(join(root, "file"), "")
      assert.strictEqual(await codeOf(() => make("/proc/hob/x/y")), "ENOENT")
      assert.strictEqual(await codeOf(() => make(join(root, "link", "hob", "x"))), "ENOENT")
      assert.strictEqual(await codeOf(() => make(join(root, "file", "x"))), "ENOTDIR")
      const deep = join(root, ...Array.from({ length: 100 }, () => "d"))
      assert.strictEqual(await codeOf(() => make(deep)), "ENAMETOOLONG")
      assert.isFalse(existsSync(join(root, "d")))
    })
  }
})
