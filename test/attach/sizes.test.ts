import { assert, describe, it } from "vitest"
import { until } from "../support/home.ts"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { renderView } from "../../src/terminal/view.ts"
import type { PtyClient } from "../support/ptyClient.ts"
import { Attaching, becomes, reference, type Size } from "./support.ts"

const desk = { cols: 80, rows: 24 }
const wall = { cols: 200, rows: 50 }
const phone = { cols: 40, rows: 20 }

const lines = Array.from(
  { length: 60 },
  (_, line) => `\u001b[3${line % 8}m${line}\u001b[m ${"a line that is long enough to be cut or wrapped ".repeat(2)}\r\n`
).join("")
const output = `${lines}\u001b[10;30H\u001b[1mhere\u001b[m`

/** What a terminal of this size shows of a session's. */
const viewOf = (session: Emulator, size: Size): Emulator => {
  const emulator = new Emulator({ ...size, scrollback: 0 })
  emulator.write(renderView(session, size).bytes)
  return emulator
}

/** Waits until a client shows exactly this screen: text, colours and cursor. */
const shows = async (client: PtyClient, expected: Emulator, message: string): Promise<void> => {
  const screen = (emulator: Emulator) => {
    const { alternate: _alternate, lines: rows, cursor } = emulator.screen()
    return { rows, cursor }
  }
  const wanted = JSON.stringify(screen(expected))
  await client
    .until(message, () => JSON.stringify(screen(client.terminal)) === wanted)
    .catch(() => assert.deepStrictEqual(screen(client.terminal), screen(expected), message))
  assert.deepStrictEqual(client.answers, [])
}

describe("terminals of different sizes attached to one session", () => {
  it("each show it in their own way; only the one that types decides its size, and nothing is rewrapped", async () => {
    await using hob = await Attaching.begin()
    // Says so when it is told of another size: bash looks for signals when `read` gives up.
    const script = `trap 'printf RESIZED' WINCH; stty raw -echo; cat "$0"; while :; do read -r -t 0.1 x || [ $? -gt 128 ] || sleep 0.1; done`
    await hob.prints("source", desk, output)
    await hob.run("shared", ["bash", "-c", script, hob.file("source")], desk)
    await hob.printed("shared", output.length)
    const size = async () => {
      const { cols, rows } = await hob.session("shared")
      return { cols, rows }
    }
    const holder = async () => (await hob.session("shared")).input?.client

    const first = hob.attach("shared", desk)
    const session = reference("shared", desk, output)
    await becomes(first, session, "the first is the session's terminal")
    const [big, small] = [hob.attach("shared", wall), hob.attach("shared", phone)]
    await big.sees("has had the keyboard since")
    await small.sees("C-t takes the keyboard:")
    await shows(big, viewOf(session, wall), "a larger one has a rim")
    await shows(small, viewOf(session, phone), "a smaller one sees the part around the cursor")
    assert.deepStrictEqual(await size(), desk)

    // The reader of the phone turns it around; nobody else notices.
    small.resize(60, 12)
    await shows(small, viewOf(session, { cols: 60, rows: 12 }), "in its new size")
    await hob.home.ok(["send", "shared", "x"])
    assert.deepStrictEqual(await size(), desk)
    assert.notInclude(await hob.home.ok(["output", "shared"]), "RESIZED")
    await becomes(first, session, "the first has not changed")

    const before = await holder()
    big.type("\u0014")
    await until("the large one has the keyboard", async () => (await holder()) !== before)
    await until("the size is its", async () => (await size()).cols === wall.cols)
    await big.sees("RESIZED")
    await first.sees("has taken the keyboard")
    const grown = new Emulator({ ...desk, scrollback: 1000 })
    grown.write(Buffer.from(output))
    grown.resize(wall.cols, wall.rows)
    grown.write(Buffer.from("RESIZED"))
    await shows(big, grown, "it shows the session itself now")

    first.type("\u0014")
    await until("the first has it back", async () => (await holder()) === before)
    grown.resize(desk.cols, desk.rows)
    grown.write(Buffer.from("RESIZED"))
    await shows(first, grown, "and shows the session itself again")
    await shows(big, viewOf(grown, wall), "the large one watches again")
  }, 180_000)

  it("when the one that types leaves, the size stays until another one types", async () => {
    await using hob = await Attaching.begin()
    await hob.prints("left", desk, output, "more")
    const first = hob.attach("left", desk)
    await first.sees("here")
    const second = hob.attach("left", phone)
    await second.sees("C-t takes the keyboard:")
    first.type("\u001c")
    assert.deepStrictEqual(await first.ended(), { code: 0, signal: null })
    await until("nobody has it", async () => (await hob.session("left")).input === null)
    assert.strictEqual((await hob.session("left")).cols, desk.cols)
    second.type("y")
    await second.sees("more")
    const { cols, input, rows } = await hob.session("left")
    assert.deepStrictEqual({ cols, rows }, phone)
    assert.isNotNull(input)
  }, 180_000)

  it("one that the session takes its size from has all of its history above, each line once", async () => {
    await using hob = await Attaching.begin()
    const numbered = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `number ${from + index} of them\r\n`).join("")
    await hob.prints("filled", desk, numbered(0, 300), numbered(300, 400))
    /** The numbers that a terminal shows, on its screen and above it. */
    const numbers = (client: PtyClient) =>
      client
        .text()
        .split("\n")
        .flatMap((line) => /^number (\d+) of them/.exec(line)?.[1] ?? [])
    const hasAll = async (client: PtyClient, count: number, message: string) => {
      const all = Array.from({ length: count }, (_, number) => String(number))
      const isThere = () => JSON.stringify(numbers(client)) === JSON.stringify(all)
      await client.until(message, isThere).catch(() => assert.deepStrictEqual(numbers(client), all, message))
    }

    const larger = hob.attach("filled", wall)
    await until("the session has its size", async () => (await hob.session("filled")).cols === wall.cols)
    await hasAll(larger, 300, "one that is alone, larger")

    const taker = hob.attach("filled", phone, "--take")
    await until("the session has its size too", async () => (await hob.session("filled")).cols === phone.cols)
    await hasAll(taker, 300, "one that takes the keyboard as it comes, smaller")

    const later = hob.attach("filled", desk)
    await later.sees("has had the keyboard since")
    taker.type("x")
    await later.sees("number 399 of them")
    later.type("\u0014")
    await until("the session has its third size", async () => (await hob.session("filled")).cols === desk.cols)
    await hasAll(later, 400, "one that takes it later")
  }, 180_000)

  it("one of the session's own size that watches is shown who types, and then every byte, as if nothing had been", async () => {
    await using hob = await Attaching.begin()
    // Rows that end where the screen begins: whether the first goes on from history is not drawn anew.
    const output = `${"a line\r\n".repeat(60)}\u001b[10;30H\u001b[1mhere\u001b[m`
    await hob.prints("same", desk, output, "\u001b[?2004h and \u001b[31mmore\r\n".repeat(40))
    const first = hob.attach("same", desk)
    await first.sees("here")
    const second = hob.attach("same", desk)
    await second.sees("has had the keyboard since")
    await becomes(second, reference("same", desk, output), "the notice is gone")
    second.type("z")
    await second.sees("has had the keyboard since")
    first.type("x")
    const after = reference("same", desk, output, "\u001b[?2004h and \u001b[31mmore\r\n".repeat(40))
    await becomes(first, after, "what was typed has come")
    await becomes(second, after, "history and all")
  }, 180_000)
})
