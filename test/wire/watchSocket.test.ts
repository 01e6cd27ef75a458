import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { onceGone } from "../../src/wire/watchSocket.ts"

const inDirectory = async (use: (path: string, directory: string) => Promise<void>) => {
  const directory = mkdtempSync(join(tmpdir(), "hob-watch-"))
  try {
    const path = join(directory, "a.sock")
    writeFileSync(path, "")
    await use(path, directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 20))

describe("a socket's file that is removed", () => {
  it("is noticed, once, also when its directory goes with it", async () => {
    for (const what of ["file", "directory", "before"] as const) {
      await inDirectory(async (path, directory) => {
        let calls = 0
        if (what === "before") rmSync(path)
        const gone = new Promise<void>((resolve) => onceGone(path, () => (calls++, resolve())))
        if (what !== "before") rmSync(what === "file" ? path : directory, { recursive: true })
        await gone
        writeFileSync(join(tmpdir(), `hob-other-${process.pid}`), "")
        await turn()
        assert.strictEqual(calls, 1)
      })
    }
    rmSync(join(tmpdir(), `hob-other-${process.pid}`), { force: true })
  })

  it("is somebody else's business when another lies there, and nobody's once that was ended", async () => {
    await inDirectory(async (path) => {
      let calls = 0
      const end = onceGone(path, () => calls++)
      writeFileSync(`${path}.new`, "")
      rmSync(`${path}.new`)
      await turn()
      assert.strictEqual(calls, 0)
      end()
      rmSync(path)
      await turn()
      assert.strictEqual(calls, 0)
    })
  })
})
