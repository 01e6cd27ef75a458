import { mkdtempSync, rmSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { once } from "node:events"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { TerminalOutput } from "../../src/cli/terminal/TerminalOutput.ts"

/** Numbered lines: what is lost, doubled or out of order is seen. */
const lines = (from: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, index) => `line ${from + index}\n`).join(""))

describe("writing to a terminal", () => {
  let directory: string
  let server: Server
  let ours: Socket
  let reader: Socket

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "hob-out-"))
    server = createServer({ pauseOnConnect: true }).listen(join(directory, "s"))
    await once(server, "listening")
    ours = connect(join(directory, "s"))
    ;[[reader]] = (await Promise.all([once(server, "connection"), once(ours, "connect")])) as [[Socket], unknown]
  })

  afterEach(() => {
    ours.destroy()
    reader.destroy()
    server.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it("does not wait for what is taken at once, and tells of it later all the same", async () => {
    const output = new TerminalOutput(ours)
    let isCalled = false
    const written = new Promise<void>((resolve) => {
      output.write(Buffer.from("x"), () => {
        isCalled = true
        resolve()
      })
    })
    assert.isFalse(isCalled)
    assert.strictEqual(ours.bytesWritten, 0, "the stream has not seen it")
    await written
    reader.resume()
    assert.strictEqual(String((await once(reader, "data"))[0]), "x")
  })

  it("keeps the order while the terminal reads nothing, says when it is full, and when it takes more", async () => {
    const output = new TerminalOutput(ours)
    const given: Array<Buffer> = []
    const told: Array<number> = []
    const give = () => {
      const data = lines(given.length * 1000, 1000)
      const number = given.push(data)
      output.write(data, () => told.push(number))
    }
    while (!output.isFull) give()
    // A few that come nevertheless, small ones among them.
    give()
    given.push(Buffer.from("last"))
    const all = new Promise<void>((resolve) => output.write(given.at(-1)!, resolve))
    const free = new Promise<void>((resolve) => output.onFree(resolve))

    const got: Array<Buffer> = []
    reader.on("data", (chunk: Buffer) => got.push(chunk))
    reader.resume()
    await free
    assert.isFalse(output.isFull)
    await all
    ours.end()
    await once(reader, "end")
    assert.isTrue(Buffer.concat(got).equals(Buffer.concat(given)))
    assert.deepStrictEqual(
      told,
      given.slice(0, -1).map((_, index) => index + 1)
    )
  })

  it("says that it is done with a terminal that has gone away", async () => {
    const output = new TerminalOutput(ours)
    while (!output.isFull) output.write(lines(0, 1000))
    const done = new Promise<void>((resolve) => output.write(Buffer.from("end"), resolve))
    reader.destroy()
    await done
  })
})
