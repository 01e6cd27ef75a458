import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { until } from "../support/home.ts"
import { Attaching } from "./support.ts"

const program = join(import.meta.dirname, "asks.ts")

describe("a program's questions to its terminal", () => {
  it("are answered once each, by hob, whoever is attached", async () => {
    await using hob = await Attaching.begin()
    await hob.run("asks", [process.execPath, program], { cols: 80, rows: 24 })
    const output = () => hob.home.ok(["output", "asks"])
    await until("it is ready", async () => (await output()).includes("READY"))
    const asked: Array<Record<string, string>> = []
    const ask = async () => {
      await hob.home.ok(["send", "asks", "--key", "Enter"])
      const found = async () => [...(await output()).matchAll(/ANSWERS (.*)\r/g)]
      await until("everything is answered", async () => (await found()).length > asked.length)
      asked.push(JSON.parse((await found()).at(-1)![1]!) as Record<string, string>)
      return asked.at(-1)!
    }
    const alone = await ask()
    assert.strictEqual(alone["late"], "")
    for (const [name, answer] of Object.entries(alone)) {
      if (name === "late") continue
      assert.strictEqual(answer.split("\u001b").filter((part) => !/^\\?$/.test(part)).length, 1, `${name}: ${answer}`)
    }
    assert.strictEqual(alone["XTWINOPS"], "\u001b[8;24;80t")

    const clients = [hob.attach("asks", { cols: 80, rows: 24 })]
    const sameAs = (answers: Record<string, string>): Record<string, string> => ({ ...answers, CPR: alone["CPR"]! })
    await clients[0]!.sees("ANSWERS")
    assert.deepStrictEqual(sameAs(await ask()), alone)

    clients.push(hob.attach("asks", { cols: 100, rows: 30 }), hob.attach("asks", { cols: 80, rows: 24 }))
    for (const client of clients) await client.sees("ANSWERS")
    assert.deepStrictEqual(sameAs(await ask()), alone)
    assert.deepStrictEqual(sameAs(await ask()), alone)
    for (const client of clients) assert.deepStrictEqual(client.answers, [])

    // A terminal that answers all the same, too late or somebody else: it is not typed.
    clients[0]!.type("\u001b[?62;22c\u001b[24;80R\u001b]11;rgb:0000/0000/0000\u001b\\")
    assert.deepStrictEqual(sameAs(await ask()), alone)
  }, 120_000)
})
