import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { RpcErrorCode } from "../../src/protocol/errors.ts"
import { closeDoors, openDoor, type RawClient, type Reply, type ToyDoor } from "./toy.ts"

interface Entry {
  readonly kind: "json" | "not-json" | "either"
  readonly name: string
  readonly line?: string
  readonly hex?: string
  readonly repeat?: ReadonlyArray<readonly [piece: string, times: number]>
}

const corpus = join(import.meta.dirname, "../corpus")
const entries = readFileSync(join(corpus, "json-lines.ndjson"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Entry)
const naughty = JSON.parse(readFileSync(join(corpus, "naughty-strings.json"), "utf8")) as ReadonlyArray<string>

const bytesOf = ({ hex, line, repeat }: Entry): Buffer =>
  hex !== undefined
    ? Buffer.from(hex, "hex")
    : Buffer.from(line ?? repeat!.map(([piece, times]) => piece.repeat(times)).join(""), "utf8")

const newline = Buffer.from("\n")
const good = (id: number): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"toy.echo","params":{"text":"good ${id}"}}\n`)

let door: ToyDoor
let client: RawClient
beforeAll(async () => {
  door = await openDoor()
  client = await door.connect()
})
afterAll(async () => {
  client.close()
  await closeDoors()
})

/** What one line of input is answered with; a batch's answers count as one. */
const codes = (reply: Reply | ReadonlyArray<Reply>): ReadonlyArray<number | undefined> =>
  [reply].flat().map((one) => (one as Reply).error?.code)

describe("bad lines between good ones", () => {
  it("of every kind get one error each, and each good line its answer, in the same order, on the same connection", async () => {
    assert.isAbove(entries.length, 250)
    // Many at once, as a client would that does not wait; what is owed is read meanwhile.
    client.send(Buffer.concat(entries.flatMap((entry, i) => [bytesOf(entry), newline, good(i)])))
    for (const [i, entry] of entries.entries()) {
      const answer = await client.reply()
      const found = codes(answer)
      if (entry.kind === "not-json") assert.deepStrictEqual(found, [RpcErrorCode.parseError], entry.name)
      else {
        const allowed =
          entry.kind === "json" ? [RpcErrorCode.invalidRequest] : [RpcErrorCode.invalidRequest, RpcErrorCode.parseError]
        assert.isTrue(
          found.length > 0 && found.every((code) => allowed.includes(code as never)),
          `${entry.name}: ${JSON.stringify(answer).slice(0, 200)}`
        )
      }
      assert.strictEqual((await client.reply()).result, `good ${i}`, `after ${entry.name}`)
    }
  })

  it("one at a time get the same", async () => {
    for (const [i, entry] of entries.entries()) {
      client.send(bytesOf(entry))
      client.send("\r\n")
      const [code] = codes(await client.reply())
      assert.include([RpcErrorCode.parseError, RpcErrorCode.invalidRequest], code as never, entry.name)
      client.send(good(i))
      assert.strictEqual((await client.reply()).result, `good ${i}`, `after ${entry.name}`)
    }
  })

  it("of blanks get none", async () => {
    client.send("\n\r\n \n\t\r\n   \n")
    client.send(good(1))
    assert.strictEqual((await client.reply()).result, "good 1")
  })
})

describe("strings that have broken programs", () => {
  it("come back as they went in, as values and as ids", async () => {
    for (const text of naughty) {
      client.request("n", "toy.echo", { text })
      assert.strictEqual((await client.reply()).result, text)
      if (text === "" || text.length > 256) continue
      client.request(text, "toy.echo", { text: "" })
      assert.strictEqual((await client.reply()).id, text)
    }
  })

  it("are no methods, and are refused without harm", async () => {
    for (const method of naughty) {
      client.request(1, method, {})
      const { error, id } = await client.reply()
      assert.strictEqual(error?.code, method === "" ? RpcErrorCode.invalidRequest : RpcErrorCode.methodNotFound, method)
      assert.strictEqual(id, 1)
    }
  })
})

describe("lines that nobody thought of", { timeout: 300_000 }, () => {
  /** Bytes that are likely to mean something to a JSON reader, and any others. */
  const pieces = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...'{}[]":,\\ -+.0123456789eEtrufalsn/\r\t') },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '"jsonrpc":"2.0"',
        '"id":1',
        '"method":"toy.echo"',
        '"params":{"text":"x"}',
        '{"jsonrpc":"2.0","id":7,"method":"',
        '"\\ud800"',
        "null"
      )
    },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) }
  )
  const soup = fc.oneof(
    fc.array(pieces, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(""))),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .record(
        {
          jsonrpc: fc.constantFrom("2.0", "1.0", 2),
          id: fc.jsonValue(),
          method: fc.constantFrom("toy.echo", "toy.none", "__proto__"),
          params: fc.jsonValue()
        },
        { requiredKeys: [] }
      )
      .map((value) => Buffer.from(JSON.stringify(value)))
  )
  /** A line: no newline, not blank, and not what is never answered (a notification, a control message). */
  const line = soup
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0x0a ? 0x20 : byte))))
    .filter((bytes) => !/^[ \t\r]*$/.test(bytes.toString("latin1")) && !isSilent(bytes))

  it("get one answer each, in their order between good ones", async () => {
    let id = 0
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 100, maxLength: 200, size: "max" }), async (lines) => {
        const first = id
        client.send(Buffer.concat(lines.flatMap((bytes) => [bytes, newline, good(id++)])))
        for (const [i, bytes] of lines.entries()) {
          const answer = [await client.reply()].flat()
          for (const one of answer) {
            assert.isTrue(one.error !== undefined || one.result !== undefined, bytes.toString("latin1"))
          }
          assert.strictEqual((await client.reply()).result, `good ${first + i}`, bytes.toString("latin1"))
        }
      }),
      { numRuns: 700 }
    )
  })
})

const silent = (one: unknown): boolean =>
  typeof one === "object" &&
  one !== null &&
  !Array.isArray(one) &&
  "method" in one &&
  typeof one.method === "string" &&
  (("jsonrpc" in one && one.jsonrpc === "2.0" && one.method !== "" && (!("id" in one) || one.id === undefined)) ||
    one.method.startsWith("@effect/rpc/"))

/** JSON-RPC has requests that nobody answers: notifications, and batches of nothing else. */
const isSilent = (bytes: Buffer): boolean => {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return false
  }
  return Array.isArray(value) ? value.length > 0 && value.every(silent) : silent(value)
}
