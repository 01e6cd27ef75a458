import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { isAlive, processesOf, until } from "../support/home.ts"
import { continuations, kinds } from "../terminal/kinds.ts"
import { stateOf } from "../terminal/state.ts"
import { Attaching, becomes, reference } from "./support.ts"

const small = { cols: 20, rows: 6 }
const usual = { cols: 80, rows: 24 }
const HISTORY = 10_000

const coloured = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, index) => `\u001b[3${index % 8};1m${from + index}\u001b[0m \u001b[48;5;${index % 256}mline\u001b[m ä漢🙂\r\n`
  ).join("")

/** The screens process of a home. */
const screensProcess = (home: string): number | undefined =>
  processesOf(home).find((pid) => {
    try {
      return (
        isAlive(pid) && /\/screens(\/main)?\.(js|ts)|^hob screens/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"))
      )
    } catch {
      return false
    }
  })

describe("hob attach shows the exact screen", () => {
  it("in every state that a terminal can be in, and goes on from there", async () => {
    await using hob = await Attaching.begin()
    let number = 0
    for (const [kind, output] of Object.entries(kinds)) {
      const then = continuations[number % continuations.length]!
      const name = `s${number++}`
      await hob.prints(name, small, output, then)
      const client = hob.attach(name, small)
      // A full reset takes what is above the screen with it, while one looks on.
      const since = output.slice(output.lastIndexOf("\u001bc") + (output.includes("\u001bc") ? 2 : 1))
      await becomes(client, reference(name, small, since), kind)
      client.type("x")
      await becomes(client, reference(name, small, since, then), `${kind}, and what follows`)
      client.type("\u001c")
      assert.deepStrictEqual(await client.ended(), { code: 0, signal: null }, kind)
      await hob.home.ok(["kill", "--signal", "KILL", name])
    }
  }, 300_000)

  it("with the newest 10,000 lines above it in the terminal's own history, colours and all", async () => {
    await using hob = await Attaching.begin()
    const all = coloured(0, 12_500)
    await hob.prints("long", usual, all, "more\r\n")
    // All of it has been taken: a screen that isn't there in time is not waited for.
    await hob.home.ok(["screen", "long"])
    const client = hob.attach("long", usual)
    await client.sees("12499 line")
    const expected = stateOf(reference("long", usual, all)).main.lines
    const lines = () => stateOf(client.terminal).main.lines
    assert.strictEqual(lines().length, 1 + HISTORY + usual.rows)
    assert.include(client.text(), "[session long: C-\\ detaches]\n2477 line")
    assert.deepStrictEqual(lines().slice(1), expected.slice(-HISTORY - usual.rows))
    client.type("x")
    await client.sees("more")
    const more = stateOf(reference("long", usual, all, "more\r\n")).main.lines
    assert.deepStrictEqual(lines().slice(1), more.slice(-HISTORY - usual.rows - 1))
    const few = hob.attach("long", usual, "--read-only")
    await few.sees("more")
  }, 120_000)

  it("with as many lines as are asked for", async () => {
    await using hob = await Attaching.begin({ HOB_SESSIONS_ATTACH_HISTORY_LINES: "100" })
    await hob.prints("long", usual, coloured(0, 5000))
    await hob.home.ok(["screen", "long"])
    const client = hob.attach("long", usual)
    await client.sees("4999 line")
    assert.strictEqual(stateOf(client.terminal).main.lines.length, 1 + 100 + usual.rows)
  })

  it("when it is cut inside of a character, a sequence or a string", async () => {
    await using hob = await Attaching.begin()
    // Long enough that it is a screen that is sent, not all of the output.
    const before = coloured(0, 2000)
    const cuts: ReadonlyArray<readonly [string | Buffer, string | Buffer]> = [
      [Buffer.from("🙂").subarray(0, 2), Buffer.from("🙂").subarray(2)],
      ["\u001b", "[31mred"],
      ["\u001b[3", "1mred"],
      ["\u001b[38;2;1;2", ";3mred"],
      ["\u001b]2;a ti", "tle\u001b\\x"],
      ["\u001b]2;a title\u001b", "\\x"],
      ["\u001b[6", "nnot typed"],
      ["\u001bP$", "qm\u001b\\not typed"]
    ]
    for (const [index, [first, rest]] of cuts.entries()) {
      const name = `cut${index}`
      const output = Buffer.concat([Buffer.from(before), Buffer.from(first as string)])
      await hob.prints(name, usual, output, rest)
      const client = hob.attach(name, usual)
      await client.sees("1999 line")
      client.type("x")
      await becomes(client, reference(name, usual, output, rest), `cut ${index}`)
    }
  }, 120_000)

  it("while the program floods it, and at the end nothing is missing that one could see", async () => {
    await using hob = await Attaching.begin()
    const flood = `i=0; while [ $i -lt 60 ]; do i=$((i+1)); seq $((i*10000)) $((i*10000+9999)); done; printf 'all of it'; exec sleep 100000`
    await hob.run("flood", ["sh", "-c", flood], usual)
    const clients = [hob.attach("flood", usual), hob.attach("flood", usual, "--read-only")]
    await hob.printed("flood", 4_178_890)
    clients.push(hob.attach("flood", usual, "--read-only"))
    const expected = [...Array.from({ length: 23 }, (_, line) => String(609_977 + line)), "all of it"]
    for (const client of clients) {
      await client.until("the end is there", () => JSON.stringify(client.rows()) === JSON.stringify(expected))
      assert.deepStrictEqual(client.answers, [])
    }
  }, 120_000)

  it("also when the screens process is killed meanwhile: first what there is, then exactly", async () => {
    await using hob = await Attaching.begin()
    const home = hob.home.paths.home
    // What was set long ago is in no recent output.
    const output = `\u001b[?2004h\u001b[3;20r\u001b]2;set long ago\u001b\\\u001b[20;1H${coloured(0, 20_000)}`
    await hob.prints("state", usual, output)
    await until("there is a screens process", () => screensProcess(home) !== undefined)
    const killed = screensProcess(home)!
    process.kill(killed, "SIGSTOP")
    const client = hob.attach("state", usual)
    await client.sees("19999 line")
    assert.isUndefined(stateOf(client.terminal).modes["bracketedPaste"] === true ? "exact already" : undefined)
    process.kill(killed, "SIGKILL")
    await until("another one is there", () => ![undefined, killed].includes(screensProcess(home)))
    await client.until("the screen is exact", () => {
      const { main, ...state } = stateOf(client.terminal)
      const { main: wanted, ...expected } = stateOf(reference("state", usual, output))
      const rows = (lines: ReadonlyArray<string>) => lines.slice(-usual.rows)
      return (
        JSON.stringify([{ ...state, titles: state.titles.slice(0, 2) }, main.margins, rows(main.lines)]) ===
        JSON.stringify([{ ...expected, titles: expected.titles.slice(0, 2) }, wanted.margins, rows(wanted.lines)])
      )
    })
  }, 120_000)

  it("of a session that has ended: its last one", async () => {
    await using hob = await Attaching.begin()
    const output = `${coloured(0, 3000)}\u001b[5;5H\u001b[7mthe end\u001b[m`
    await hob.prints("over", usual, output)
    await hob.home.ok(["kill", "--signal", "KILL", "over"])
    const client = hob.attach("over", usual)
    assert.deepStrictEqual(await client.ended(), { code: 137, signal: null })
    await client.sees("ended: SIGKILL")
    const rows = reference("over", usual, output).screen().lines
    assert.deepStrictEqual(
      client.rows().slice(0, 4),
      rows.slice(0, 4).map(({ text }) => text)
    )
    assert.include(client.rows()[4], "the end")
    assert.include(client.text(), "2976 line")
  })
})
