import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { call } from "../../../src/client/wire/bare.ts"
import { until } from "../../support/home.ts"
import type { Conversation } from "./client.ts"
import { makePhotonHome, type PhotonHome } from "./home.ts"

/** A photon as its authors write them. */
const photon = String.raw`
import { appendFileSync, existsSync } from "node:fs"

export default class Kanban {
  calls = 0

  async add(params: { a: number; b: number }) {
    return params.a + params.b
  }
  count() {
    return ++this.calls
  }
  nothing() {}
  async fail() {
    throw new Error("boom")
  }
  async moveTask(params: { taskId: string; column: string }) {
    this.emit({ channel: "board:mine", event: "task-moved", data: { taskId: params.taskId, newColumn: params.column } })
    return { success: true }
  }
  async tell() {
    this.emit({ status: "half" })
    this.progress(50, "half way")
    return "told"
  }
  async hello() {
    return { hello: await this.prompt({ message: "Your name?", type: "text", default: "Bob" }) }
  }
  async choose() {
    const options = [{ value: "a", label: "a" }, { value: "b", label: "Bee" }]
    return await this.prompt({ message: "Pick", type: "select", options })
  }
  async sure() {
    return await this.prompt({ message: "Really?", type: "confirm" })
  }
  async hold({ file }: { file: string }) {
    appendFileSync(file, "begun\n")
    await new Promise((resolve) => this.signal.addEventListener("abort", resolve))
    appendFileSync(file, "aborted\n")
  }
  async ready({ file }: { file: string }) {
    return existsSync(file)
  }
  _hidden() {
    return "never"
  }
}
`

let home: PhotonHome
beforeAll(async () => {
  home = await makePhotonHome()
  const file = join(home.env["HOME"]!, "kanban.photon.ts")
  writeFileSync(file, photon)
  await call(home.paths.socket, "methods.add", { file, namespace: "kanban" })
}, 120_000)
afterAll(() => home.destroy())

const command = (id: string, method: string, args?: object) => ({
  type: "command",
  id,
  sessionId: "s",
  clientType: "cli",
  method,
  ...(args === undefined ? {} : { args })
})

describe("photon's commands", () => {
  it("call methods of a class as it is, with the answers of photon's daemon", async () => {
    const { client } = home
    for (const [request, answer] of [
      [command("r1", "add", { a: 1, b: 2 }), '{"type":"result","id":"r1","success":true,"data":3}'],
      [command("r2", "nothing"), '{"type":"result","id":"r2","success":true}'],
      [command("r7", "fail"), '{"type":"error","id":"r7","error":"boom"}'],
      [command("r9", "unknownTool"), '{"type":"error","id":"r9","error":"Tool not found: unknownTool"}'],
      [command("c", ""), '{"type":"error","id":"c","error":"Method name required"}'],
      ...["_hidden", "constructor", "toString", "__proto__", "prompt", "a b"].map(
        (name) => [command("x", name), `{"type":"error","id":"x","error":"Tool not found: ${name}"}`] as const
      )
    ] as const) {
      assert.strictEqual(await client.once(request), answer)
    }
  })

  it("share one instance, whatever session they name", async () => {
    const counts = []
    for (const sessionId of ["one", "two"]) counts.push(await home.client.ask({ ...command("n", "count"), sessionId }))
    assert.deepStrictEqual(counts, [1, 2])
  })

  it("what a method emits with a channel goes to its subscribers, and what it emits without to its caller", async () => {
    const subscriber = await home.client.subscribe("board:mine")
    assert.deepStrictEqual(await home.client.ask(command("m", "moveTask", { taskId: "1", column: "Done" })), {
      success: true
    })
    const { message } = await subscriber.hear()
    assert.deepInclude(message, { event: "task-moved", data: { taskId: "1", newColumn: "Done" } })
    const caller = await home.client.open()
    caller.say(command("t", "tell"))
    assert.strictEqual(await caller.line(), '{"type":"emit","id":"t","emitData":{"status":"half"}}')
    assert.deepStrictEqual(await caller.hear(), {
      type: "emit",
      id: "t",
      emitData: { emit: "progress", percent: 50, description: "half way" }
    })
    assert.deepStrictEqual(await caller.hear(), { type: "result", id: "t", success: true, data: "told" })
  })

  it("a method asks the client that called it", async () => {
    const caller = await home.client.open()
    caller.say(command("q1", "hello"))
    assert.strictEqual(
      await caller.line(),
      '{"type":"prompt","id":"q1","prompt":{"type":"text","message":"Your name?","default":"Bob"}}'
    )
    const answered = await caller.ask({ type: "prompt_response", id: "q1", promptValue: "Ann" })
    assert.deepStrictEqual(answered, { type: "result", id: "q1", success: true, data: { hello: "Ann" } })
    caller.say(command("q2", "choose"))
    assert.deepStrictEqual((await caller.hear())["prompt"], { type: "text", message: "Pick\nOptions: a, b (Bee)" })
    assert.strictEqual((await caller.ask({ type: "prompt_response", id: "q2", promptValue: "Bee" }))["data"], "b")
    caller.say(command("q3", "sure"))
    assert.deepStrictEqual((await caller.hear())["prompt"], { type: "text", message: "Really? (y/n)" })
    assert.strictEqual((await caller.ask({ type: "prompt_response", id: "q3" }))["data"], false)
  })

  it("two callers that are asked at once get their own questions, and nobody else can answer", async () => {
    const [one, two, other] = await Promise.all([home.client.open(), home.client.open(), home.client.open()])
    one.say(command("same", "hello"))
    two.say(command("same", "hello"))
    await Promise.all([one.hear(), two.hear()])
    other.say({ type: "prompt_response", id: "same", promptValue: "Mallory" })
    await other.ask({ type: "ping", id: "behind" })
    assert.deepStrictEqual((await two.ask({ type: "prompt_response", id: "same", promptValue: "Two" }))["data"], {
      hello: "Two"
    })
    assert.deepStrictEqual((await one.ask({ type: "prompt_response", id: "same", promptValue: "One" }))["data"], {
      hello: "One"
    })
  })

  it("a slow one holds nothing else up on its connection", async () => {
    const caller = await home.client.open()
    caller.say(command("slow", "hello"), { type: "ping", id: "p" })
    const heard = [await caller.hear(), await caller.hear()]
    assert.sameMembers(
      heard.map(({ type }) => type),
      ["prompt", "pong"]
    )
  })

  it("end with their connection: the method is told, and what it has asked is forgotten", async () => {
    const file = join(home.env["HOME"]!, "held")
    const holding = async (): Promise<Conversation> => {
      const caller = await home.client.open()
      caller.say(command("h", "hold", { file }))
      await until("it is held", () => existsSync(file))
      return caller
    }
    const caller = await holding()
    caller.socket.destroy()
    await until("the method is told", () => readFileSync(file, "utf8").endsWith("aborted\n"))
  })
})
