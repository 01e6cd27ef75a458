import { assert, describe, it } from "vitest"
import { AnswerFilter } from "../../src/cli/terminal/answers.ts"
import { Keyboard, type KeyboardOptions } from "../../src/cli/terminal/Keyboard.ts"

const ESC = "\u001b"

describe("what a terminal answers by itself", () => {
  const answers = [
    `${ESC}[?62;1;4c`,
    `${ESC}[>41;354;0c`,
    `${ESC}[0n`,
    `${ESC}[24;80R`,
    `${ESC}[?1;1R`,
    `${ESC}[?2026;2$y`,
    `${ESC}[4;1$y`,
    `${ESC}[8;24;80t`,
    `${ESC}[?5u`,
    `${ESC}]11;rgb:1e1e/1e1e/1e1e\u0007`,
    `${ESC}]10;rgb:ffff/ffff/ffff${ESC}\\`,
    `${ESC}]4;1;rgb:cdcd/0000/0000${ESC}\\`,
    `${ESC}]52;c;aGVsbG8=${ESC}\\`,
    `${ESC}P>|XTerm(380)${ESC}\\`,
    `${ESC}P1$r0m${ESC}\\`,
    `${ESC}P1+r524742${ESC}\\`,
    `${ESC}P!|00000000${ESC}\\`
  ]
  const keys = [
    "a",
    ESC,
    `${ESC}[A`,
    `${ESC}OP`,
    `${ESC}[1;2R`,
    `${ESC}[1;5A`,
    `${ESC}[3~`,
    `${ESC}[15;2~`,
    `${ESC}[97;5u`,
    `${ESC}[27;5;92~`,
    `${ESC}[I`,
    `${ESC}[<0;10;10M`,
    `${ESC}[200~pasted${ESC}[201~`,
    `${ESC}c`,
    "ünï"
  ]

  it("is not typed, wherever it is cut; every key is", () => {
    for (const answer of answers) {
      for (let cut = 2; cut <= answer.length; cut++) {
        const filter = new AnswerFilter()
        const kept = [`x${answer.slice(0, cut)}`, `${answer.slice(cut)}y`]
          .map((piece) => filter.push(Buffer.from(piece)).toString())
          .join("")
        assert.strictEqual(kept, "xy", JSON.stringify([answer, cut]))
        assert.isFalse(filter.waiting)
      }
    }
    const filter = new AnswerFilter()
    for (const key of keys) {
      assert.strictEqual(filter.push(Buffer.from(key)).toString(), key, JSON.stringify(key))
      assert.isFalse(filter.waiting, JSON.stringify(key))
    }
    const all = keys.filter((key) => key.length > 2).join("")
    assert.strictEqual(filter.push(Buffer.from(all)).toString(), all)
  })

  it("that never ends is what was typed after all", () => {
    const filter = new AnswerFilter()
    assert.strictEqual(filter.push(Buffer.from(`${ESC}[?1`)).toString(), "")
    assert.isTrue(filter.waiting)
    assert.strictEqual(filter.flush().toString(), `${ESC}[?1`)
    assert.isFalse(filter.waiting)
    for (const key of [`${ESC}[`, `${ESC}]`, `${ESC}P`]) {
      assert.strictEqual(filter.push(Buffer.from(key)).toString() + filter.flush().toString(), key)
    }
    const endless = `${ESC}]11;${"x".repeat(100_000)}`
    assert.strictEqual(filter.push(Buffer.from(endless)).toString(), endless)
  })
})

describe("the keyboard of an attached terminal", () => {
  const since = new Date().toISOString()
  const other = { held: false, holder: { client: "pts/9", since } }

  const make = (options: Partial<KeyboardOptions> = {}) => {
    const done: Array<string> = []
    const keyboard = new Keyboard({
      detachKey: "C-\\",
      readOnly: false,
      send: (data) => done.push(`send ${data.toString()}`) > 0,
      take: () => void done.push("take"),
      detach: () => void done.push("detach"),
      ring: () => void done.push("ring"),
      columns: () => 80,
      notice: (text) => void done.push(text === null ? "notice gone" : `notice ${text}`),
      ...options
    })
    const type = (text: string) => {
      keyboard.typed(Buffer.from(text))
      return done.splice(0)
    }
    const lease = (frame: Parameters<Keyboard["lease"]>[0]) => {
      keyboard.lease(frame)
      return done.splice(0)
    }
    return { keyboard, type, lease }
  }

  it("types while this terminal has it, and where nobody knows of leases", () => {
    const { keyboard, lease, type } = make()
    assert.deepStrictEqual(type("early"), ["send early"])
    assert.deepStrictEqual(lease({ held: true, holder: null }), [])
    assert.isTrue(keyboard.held)
    assert.deepStrictEqual(type("a\u0014b"), ["send a\u0014b"])
    assert.deepStrictEqual(type("\u001c"), ["detach"])
  })

  it("of one who watches says who has it, and takes it by one key", () => {
    const { keyboard, lease, type } = make()
    assert.match(
      lease(other)[0]!,
      /^notice pts\/9 has had the keyboard since \d\d:\d\d\. C-t takes it over, C-\\ detaches\.$/
    )
    assert.match(type("hello")[0]!, /^notice pts\/9/)
    assert.deepStrictEqual(type(`${ESC}[I${ESC}[<35;1;1M${ESC}[<0;1;1m${ESC}[97;1:3u`), [])
    assert.deepStrictEqual(type("\u0014"), ["take"])
    assert.deepStrictEqual(type(`${ESC}[116;5u`), ["take"])
    assert.deepStrictEqual(lease({ held: true, holder: null }), ["notice gone"])
    assert.deepStrictEqual(type("mine"), ["send mine"])
    assert.deepStrictEqual(lease(other), ["notice pts/9 has taken the keyboard. C-t takes it back."])
    assert.deepStrictEqual(type("\u001c"), ["detach"])
    keyboard.close()
  })

  it("that nobody has goes to who types a key, not to a mouse that moves", () => {
    const { lease, type } = make()
    lease(other)
    assert.deepStrictEqual(lease({ held: false, holder: null }), ["notice gone"])
    assert.deepStrictEqual(type(`${ESC}[O${ESC}[<35;1;1M`), [])
    assert.deepStrictEqual(type("x"), ["send x"])
  })

  it("of a read-only terminal types nothing, and Ctrl-C leaves", () => {
    const { lease, type } = make({ readOnly: true })
    assert.deepStrictEqual(lease(other), [])
    assert.deepStrictEqual(type("x"), [])
    assert.deepStrictEqual(type("\u0003"), ["detach"])
  })

  it("of a narrow terminal says what to do, for which there is room", () => {
    const { keyboard, lease } = make({ columns: () => 40 })
    assert.deepStrictEqual(lease(other), ["notice C-t takes the keyboard: pts/9"])
    assert.deepStrictEqual(lease({ held: true, holder: null }), ["notice gone"])
    assert.deepStrictEqual(lease(other), ["notice C-t takes the keyboard back: pts/9"])
    keyboard.close()
  })

  it("rings when what is typed is dropped, and lets no answer through", () => {
    const { lease, type } = make({ send: () => false })
    lease({ held: true, holder: null })
    assert.deepStrictEqual(type("x"), ["ring"])
    assert.deepStrictEqual(type(`${ESC}[?62;1c`), [])
  })
})
