import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { QueryFilter } from "../../src/terminal/queries.ts"

const latin1 = (text: string) => Buffer.from(text, "latin1")

const filtered = (...pieces: ReadonlyArray<string>): string => {
  const filter = new QueryFilter()
  const out = pieces.map((piece) => Buffer.from(filter.push(latin1(piece))))
  return Buffer.concat([...out, filter.end()]).toString("latin1")
}

const C1 = "\xc2"
const questions: Record<string, string> = {
  DA1: "\x1b[c",
  "DA1 with a parameter": "\x1b[0c",
  DA2: "\x1b[>c",
  DA3: "\x1b[=0c",
  DECID: "\x1bZ",
  status: "\x1b[5n",
  CPR: "\x1b[6n",
  DECXCPR: "\x1b[?6n",
  "colour scheme": "\x1b[?996n",
  DECRQM: "\x1b[?2026$p",
  "DECRQM, ANSI": "\x1b[4$p",
  XTVERSION: "\x1b[>0q",
  "kitty's keyboard": "\x1b[?u",
  XTQMODKEYS: "\x1b[?4m",
  XTSMGRAPHICS: "\x1b[?1;1;0S",
  XTWINOPS: "\x1b[14t\x1b[16t\x1b[18t\x1b[19t\x1b[20t\x1b[21;0t",
  DECREQTPARM: "\x1b[x",
  DECRQCRA: "\x1b[1;0;1;1;5;5*y",
  "a palette colour": "\x1b]4;7;?\x07",
  "many palette colours": "\x1b]4;7;?;8;?\x1b\\",
  "the background": "\x1b]11;?\x1b\\",
  "three colours": "\x1b]10;?;?;?\x07",
  "the clipboard": "\x1b]52;c;?\x07",
  "kitty's colours": "\x1b]21;foreground=?\x1b\\",
  DECRQSS: "\x1bP$qm\x1b\\",
  XTGETTCAP: "\x1bP+q544e;436f\x1b\\",
  "a picture": "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\",
  ENQ: "\x05",
  "with an introducer of eight bits": `${C1}\x9bc${C1}\x9d11;?${C1}\x9c`
}

const others: Record<string, string> = {
  "DA1's answer": "\x1b[?62;22c",
  "cursor style": "\x1b[2 q",
  modifyOtherKeys: "\x1b[>4;2m",
  "kitty's keyboard, pushed": "\x1b[>1u\x1b[<u\x1b[=3;1u",
  "titles put aside": "\x1b[22;0t\x1b[23;0t",
  "a size": "\x1b[8;24;80t",
  modes: "\x1b[?1049h\x1b[?25l\x1b[4h",
  "a title with a question": "\x1b]0;what;?\x07",
  "a link with a question": "\x1b]8;;http://x/?a;?\x1b\\",
  "a colour": "\x1b]4;1;#fff\x07\x1b]11;#000\x1b\\",
  "what goes to the clipboard": "\x1b]52;c;QUJD\x07",
  sixels: "\x1bPq#0;2;0;0;0#0~~\x1b\\",
  "a picture": "\x1b_Ga=T,f=100;AAAA\x1b\\",
  "text of many bytes": "\xe6\xbc\xa2\xf0\x9f\x98\x80\xc2\xa0",
  "bytes that are no text": "\xff\xfe\x80\xc3"
}

describe("questions in a stream", () => {
  for (const [name, question] of Object.entries(questions)) {
    it(`are taken out: ${name}`, () => assert.strictEqual(filtered(`before${question}after`), "beforeafter"))
  }

  for (const [name, other] of Object.entries(others)) {
    it(`what isn't one is left as it is: ${name}`, () => {
      assert.strictEqual(filtered(`before${other}after`), `before${other}after`)
    })
  }

  it("are found wherever the stream is cut", () => {
    const stream =
      Object.values(questions).join("+") + Object.values(others).join("-") + Object.values(questions).join("")
    const whole = filtered(stream)
    // The last of the others ends in half a character, which finds no other half behind the question.
    assert.strictEqual(whole, `${"+".repeat(Object.keys(questions).length - 1)}${Object.values(others).join("-")}\0`)
    assert.strictEqual(filtered(...stream), whole)
    for (let at = 1; at < stream.length; at++)
      assert.strictEqual(filtered(stream.slice(0, at), stream.slice(at)), whole)
  })

  it("what a colour sequence sets stays when what it asks goes", () => {
    assert.strictEqual(filtered("\x1b]4;1;#fff;2;?;3;#000\x07"), "\x1b]4;1;#fff;3;#000\x1b\\")
    assert.strictEqual(filtered("\x1b]10;?;#123456\x07"), "\x1b]11;#123456\x1b\\")
    assert.strictEqual(filtered("\x1b]10;red;?;blue\x07"), "\x1b]10;red\x1b\\\x1b]12;blue\x1b\\")
  })

  it("control characters inside one take effect all the same", () => {
    assert.strictEqual(filtered("a\x1b[\n6nb"), "a\nb")
  })

  it("a sequence abandoned in front of one doesn't swallow what follows", () => {
    assert.strictEqual(filtered("\x1b[6\x1b[cn"), "n")
    assert.strictEqual(filtered("\x1b]0;title\x1b[ctext"), "\x1b]0;title\x1b\\text")
    assert.strictEqual(filtered("\x1b]0;title\x1b", "[ctext"), "\x1b]0;title\x1b\\text")
    assert.strictEqual(filtered(`\x1b]0;title${C1}\x9bctext`), "\x1b]0;title\x18text")
    assert.strictEqual(filtered(`\x1b[6${C1}\x9bctext`), "\x1b[6\x1b\\text")
    assert.strictEqual(filtered("\x1b(\x1b[ctext"), "\x1b(\x1b\\text")
    assert.strictEqual(filtered("\x1b(Ztext"), "\x1b(Ztext")
  })

  it("abandoned, they are no questions", () => {
    assert.strictEqual(filtered("\x1b[6\x18n\x1b[\x1a6n"), "\x1b[6\x18n\x1b[\x1a6n")
  })

  it("nothing but the beginning of a possible one is held back", () => {
    const filter = new QueryFilter()
    const held = (text: string): number => {
      const given = filter.push(latin1(text)).length
      const kept = filter.held
      filter.push(latin1("\x18"))
      filter.end()
      return given + kept === text.length ? kept : Number.NaN
    }
    assert.strictEqual(held("text"), 0)
    assert.strictEqual(held("text\x1b"), 1)
    assert.strictEqual(held("text\x1b[38;2"), 6)
    assert.strictEqual(held("text\x1b]0;a title"), 0)
    assert.strictEqual(held("text\x1b]52;c;QUJDREVG"), 0)
    assert.strictEqual(held("text\x1b]11;"), 5)
    assert.strictEqual(held(`\x1b]4;${"1;#fff;".repeat(2000)}`), 0)
  })

  it("any stream is the same however it is cut, and has none left", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...Object.values(questions),
        ...Object.values(others),
        "\x1b",
        "\x1b[",
        "\x1b]",
        "\x1bP",
        "\xc2",
        "\x18",
        "?",
        ";"
      ),
      fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 8 })
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 6 }), (pieces, cuts) => {
        const stream = pieces.join("")
        const whole = filtered(stream)
        assert.strictEqual(filtered(whole), whole)
        const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
        assert.strictEqual(filtered(...places.slice(1).map((end, index) => stream.slice(places[index], end))), whole)
      }),
      { numRuns: 1000 }
    )
  })
})
