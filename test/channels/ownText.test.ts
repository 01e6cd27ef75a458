import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "vitest"
import { ownText } from "../../src/channels/ownText.ts"

const heapBytes = (): number => {
  setFlagsFromString("--expose-gc")
  ;(runInNewContext("gc") as () => void)()
  return process.memoryUsage().heapUsed
}

const MESSAGE = '{"text":"hello subscribers"}'

/** What a thousand small messages hold, each of which came in a read of 64 KiB. */
const held = (own: (text: string) => string): number => {
  const kept: Array<string> = []
  const before = heapBytes()
  for (let at = 0; at < 1000; at++) {
    const read = Buffer.from(`${MESSAGE}${"x".repeat(64 * 1024)}`).toString()
    kept.push(own(read.slice(0, MESSAGE.length)))
  }
  const bytes = heapBytes() - before
  assert.isTrue(kept.every((text) => text === MESSAGE))
  return bytes
}

describe("a message that is kept", () => {
  it("does not keep the read that it came in", () => {
    const mebibyte = 1024 * 1024
    // Else there would be no need for it.
    assert.isAbove(
      held((text) => text),
      50 * mebibyte
    )
    assert.isBelow(held(ownText), 5 * mebibyte)
  })

  it("is the same text, of any length and of any characters", () => {
    for (const text of ["", "1", "größer 😀", "\ud83d", "x".repeat(100_000)]) assert.strictEqual(ownText(text), text)
  })
})
