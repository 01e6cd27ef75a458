import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { RotatingFile } from "../../src/daemon/RotatingFile.ts"

describe("the daemon's log", () => {
  let directory: string
  let path: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hob-"))
    path = join(directory, "daemon.log")
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const line = (n: number) => `line ${n} ${"x".repeat(50)}\n`

  it("begins anew at its size, keeps as many files as it is told, and loses no line of those", () => {
    const log = new RotatingFile(path, { maxBytes: 1000, files: 3 })
    for (let n = 0; n < 100; n++) log.append(line(n))
    log.close()
    assert.deepStrictEqual(readdirSync(directory).sort(), ["daemon.log", "daemon.log.1", "daemon.log.2"])
    const kept = [".2", ".1", ""].map((suffix) => readFileSync(path + suffix, "utf8"))
    for (const text of kept) assert.isAtMost(text.length, 1000)
    const numbers = kept
      .join("")
      .match(/line \d+/gu)!
      .map((text) => Number(text.slice(5)))
    assert.deepStrictEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, i) => 100 - numbers.length + i)
    )
    assert.strictEqual(statSync(path).mode & 0o777, 0o600)
  })

  it("with one file keeps only the newest lines", () => {
    const log = new RotatingFile(path, { maxBytes: 200, files: 1 })
    for (let n = 0; n < 10; n++) log.append(line(n))
    log.close()
    assert.deepStrictEqual(readdirSync(directory), ["daemon.log"])
    assert.isAtMost(statSync(path).size, 200)
    assert.include(readFileSync(path, "utf8"), "line 9")
  })

  it("goes on in a new file when somebody has moved it away and says so", () => {
    const log = new RotatingFile(path, { maxBytes: 1e6, files: 3 })
    log.append(line(1))
    renameSync(path, `${path}.old`)
    log.reopen()
    log.append(line(2))
    unlinkSync(path)
    log.reopen()
    log.append(line(3))
    log.close()
    assert.include(readFileSync(`${path}.old`, "utf8"), "line 1")
    assert.strictEqual(readFileSync(path, "utf8"), line(3))
  })

  it("never throws, whatever happens to its directory, and writes again when it can", () => {
    const log = new RotatingFile(join(directory, "gone", "daemon.log"), { maxBytes: 100, files: 2 })
    log.append(line(1))
    log.close()
    const later = new RotatingFile(path, { maxBytes: 100, files: 2 })
    rmSync(directory, { recursive: true })
    for (let n = 0; n < 10; n++) later.append(line(n))
    later.close()
  })
})
