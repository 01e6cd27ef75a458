import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { FileWatch } from "../../src/methods/FileWatch.ts"

const root = mkdtempSync(join(tmpdir(), "hob-watch-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Watches one file, and waits for it to be told of the next thing that happens there. */
const watching = (file: string) => {
  let told = () => {}
  const watch = new FileWatch(
    () => told(),
    (reason) => assert.fail(reason)
  )
  watch.add([file])
  const next = () => new Promise<void>((resolve) => (told = resolve))
  return { watch, next }
}

describe("what watches a module's files", () => {
  it("watches on in a directory that was deleted and made anew at once, to which the system gave the same number", async () => {
    const directory = join(root, "own")
    const file = join(directory, "a.ts")
    const { next, watch } = watching(file)
    try {
      for (let round = 0; round < 20; round++) {
        const noticed = next()
        rmSync(directory, { recursive: true, force: true })
        mkdirSync(directory)
        await noticed
        const changed = next()
        writeFileSync(file, String(round))
        await changed
      }
    } finally {
      watch.close()
    }
  })

  it("watches on where another directory was moved to in its place", async () => {
    const directory = join(root, "moved")
    const file = join(directory, "a.ts")
    mkdirSync(directory)
    const { next, watch } = watching(file)
    try {
      const noticed = next()
      mkdirSync(`${directory}.new`)
      renameSync(directory, `${directory}.old`)
      renameSync(`${directory}.new`, directory)
      await noticed
      const changed = next()
      writeFileSync(file, "")
      await changed
    } finally {
      watch.close()
    }
  })
})
