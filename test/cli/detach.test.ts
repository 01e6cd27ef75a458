import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { DetachSifter } from "../../src/cli/terminal/detach.ts"

const text = (value: string) => Buffer.from(value, "latin1")

/** Feeds reads one after the other; what went on, and whether it detached. `flush` as the timer would at the end. */
const sift = (key: string, ...reads: ReadonlyArray<string>) => {
  const sifter = new DetachSifter(key)
  let forward = ""
  for (const read of reads) {
    const sifted = sifter.push(text(read))
    forward += sifted.forward.toString("latin1")
    if (sifted.detached) return { forward, detached: true }
  }
  return { forward: forward + sifter.flush().toString("latin1"), detached: false }
}

describe("the detach key", () => {
  it("detaches, and neither it nor what follows reaches the session", () => {
    assert.deepStrictEqual(sift("C-\\", "ls\r\x1crm -rf x"), { forward: "ls\r", detached: true })
  })

  it("is recognised in the forms of the keyboard protocols a program may have switched on", () => {
    for (const form of ["\x1b[92;5u", "\x1b[92;5:1u", "\x1b[92:124;5u", "\x1b[92;133u", "\x1b[27;5;92~"]) {
      assert.deepStrictEqual(sift("C-\\", `a${form}`), { forward: "a", detached: true }, JSON.stringify(form))
    }
    for (const form of ["\x1b[92;1u", "\x1b[92;5:3u", "\x1b[93;5u", "\x1b[27;6;92~", "\x1b[92;7u"]) {
      assert.deepStrictEqual(sift("C-\\", form), { forward: form, detached: false }, JSON.stringify(form))
    }
  })

  it("is recognised when it arrives in several reads, wherever it is cut", () => {
    for (const form of ["\x1b[92;5u", "\x1b[27;5;92~"]) {
      for (let cut = 1; cut < form.length; cut++) {
        const { detached, forward } = sift("C-\\", `x${form.slice(0, cut)}`, form.slice(cut))
        assert.isTrue(detached, `${JSON.stringify(form)} cut at ${cut}`)
        // The single Escape is not held back: it could be the Escape key.
        assert.strictEqual(forward, cut === 1 ? "x\x1b" : "x")
      }
    }
    assert.deepStrictEqual(sift("C-b d", "a\x02", "d"), { forward: "a", detached: true })
    assert.deepStrictEqual(sift("C-b d", "a\x1b[98;", "5u\x1b[98;5:3u", "d"), { forward: "a", detached: true })
  })

  it("a sequence that is broken off reaches the session whole", () => {
    assert.deepStrictEqual(sift("C-b d", "\x02", "x"), { forward: "\x02x", detached: false })
    assert.deepStrictEqual(sift("C-b d", "\x02\x02", "d"), { forward: "\x02", detached: true })
    assert.deepStrictEqual(sift("C-b C-b d", "\x02\x02x"), { forward: "\x02\x02x", detached: false })
  })

  it("Escape goes on at once, and the key after it is itself", () => {
    const sifter = new DetachSifter("C-\\")
    assert.strictEqual(sifter.push(text("\x1b")).forward.toString("latin1"), "\x1b")
    assert.isFalse(sifter.waiting)
    assert.isTrue(sifter.push(text("\x1c")).detached)
  })

  it("an unfinished escape sequence is held for a moment only", () => {
    const sifter = new DetachSifter("C-\\")
    assert.strictEqual(sifter.push(text("a\x1b[9")).forward.toString("latin1"), "a")
    assert.isTrue(sifter.waiting)
    assert.strictEqual(sifter.flush().toString("latin1"), "\x1b[9")
    assert.isFalse(sifter.waiting)
    assert.strictEqual(sifter.push(text("2;5u")).forward.toString("latin1"), "2;5u")
  })

  it("an empty setting means that no key detaches", () => {
    assert.deepStrictEqual(sift("", "\x1c\x02d"), { forward: "\x1c\x02d", detached: false })
  })

  it("everything else goes through as it came, however it is cut", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "\x1b",
        "\x1b[",
        "\x1bO",
        "[",
        "O",
        "\x1b[A",
        "\x1b[200~",
        "\x1b[<0;1;1M",
        "5u",
        "9",
        ";",
        "\x02"
      ),
      fc.string({ maxLength: 4 })
    )
    const reads = fc.array(fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("")))
    fc.assert(
      fc.property(reads, fc.constantFrom("C-\\", "C-b C-x", "M-F12"), (given, key) => {
        const input = given.map((read) => Buffer.from(read, "utf8").toString("latin1").replaceAll("\x1c", ""))
        const { detached, forward } = sift(key, ...input)
        if (!detached) assert.strictEqual(forward, input.join(""))
      }),
      { numRuns: 2000 }
    )
  })
})
