import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { existsSync } from "node:fs"
import { daemon, failure, namespace, until, written } from "./support.ts"

describe("methods of a module", () => {
  it.live("those of a class share one instance in a namespace, and another namespace has another one", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "counter.ts": `export default class Counter {
          #count = 0
          async add({ by }: { by: number }): Promise<number> { return (this.#count += by) }
        }`
      })
      const { methods, module } = yield* hob.add(paths["counter.ts"]!)
      assert.deepStrictEqual([module.kind, methods.map(({ method }) => method)], ["class", ["add"]])
      yield* hob.add(paths["counter.ts"]!, namespace("other"))
      yield* hob.call("add", { by: 2 })
      assert.strictEqual(yield* hob.call("add", { by: 3 }), 5)
      assert.strictEqual(yield* hob.call("add", { by: 1 }, { namespace: namespace("other") }), 1)
    })
  )

  it.live("functions are called with their parameters and with what they can do with hob", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "tools.ts": `import type { Context } from "hob/methods"
          export const twice = (params: { n: number }) => params.n * 2
          export function who(this: Context, params: {}, hob: Context) {
            return { same: this === hob, namespace: hob.namespace, method: hob.method, caller: hob.caller.kind, params }
          }
          export const number = 7
          export class NotOne {}
          export default function named() { return "by its name" }`
      })
      const { methods } = yield* hob.add(paths["tools.ts"]!)
      assert.sameMembers(
        methods.map(({ method }) => method),
        ["twice", "who", "named"]
      )
      assert.strictEqual(yield* hob.call("twice", { n: 21 }), 42)
      assert.strictEqual(yield* hob.call("named"), "by its name")
      assert.deepStrictEqual(yield* hob.call("who"), {
        same: true,
        namespace: "default",
        method: "who",
        caller: "person",
        params: {}
      })
    })
  )

  it.live("a photon-style class runs as it is: emit publishes with its envelope, before the result is there", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "kanban.photon.ts": `export default class Kanban {
          async moveTask(params: { taskId: string; column: string }) {
            this.emit({ channel: "board:x", event: "task-moved", data: { taskId: params.taskId, newColumn: params.column } })
            this.emit({ status: "moved" })
            return { success: true }
          }
        }`
      })
      yield* hob.add(paths["kanban.photon.ts"]!)
      const emitted: Array<unknown> = []
      const result = yield* hob.call(
        "moveTask",
        { taskId: "1", column: "Done" },
        { onEmit: (value) => emitted.push(value) }
      )
      assert.deepStrictEqual(result, { success: true })
      assert.deepStrictEqual(emitted, [{ status: "moved" }])
      const client = yield* hob.connect
      const { channels } = yield* client["channels.list"]({})
      assert.deepStrictEqual(
        channels.map(({ channel, events }) => [channel, events]),
        [["board:x", 1]]
      )
      const items = yield* client["channels.subscribe"]({ patterns: ["board:*" as never], since: "0-0" as never }).pipe(
        Stream.filter((item) => item.type === "event"),
        Stream.take(1),
        Stream.runCollect
      )
      const { timestamp, ...message } = items[0]!.message as any
      assert.isNumber(timestamp)
      assert.deepStrictEqual(message, {
        channel: "board:x",
        event: "task-moved",
        data: { taskId: "1", newColumn: "Done" },
        source: "Kanban"
      })
    })
  )

  it.live("each of many calls at once sees its own progress, caller and questions, on one instance", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "many.ts": `export default class Many {
          async go({ n }) {
            this.progress(n)
            await new Promise((resolve) => setTimeout(resolve, (n * 7) % 13))
            this.progress(n)
            return [n, await this.prompt("which?")]
          }
        }`
      })
      yield* hob.add(paths["many.ts"]!)
      const results = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, n) => n),
        (n) =>
          Effect.gen(function* () {
            const heard: Array<number | undefined> = []
            const result = yield* hob.call(
              "go",
              { n },
              { onProgress: ({ percent }) => heard.push(percent), prompt: () => Effect.succeed(`answer ${n}`) }
            )
            return { n, heard, result }
          }),
        { concurrency: "unbounded" }
      )
      for (const { heard, n, result } of results) {
        assert.deepStrictEqual(heard, [n, n])
        assert.deepStrictEqual(result, [n, `answer ${n}`])
      }
    })
  )

  it.live("a generator asks by what it yields, and its return value is the result", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "wizard.ts": `export default class Wizard {
          async *setup({ greeting }) {
            yield { emit: "status", message: "begins" }
            yield { emit: "progress", value: 0.5, message: "half" }
            const name = yield { ask: "text", message: "Your name?", default: "Bob" }
            const sure = yield { ask: "confirm", message: "Sure?" }
            const size = yield { ask: "select", message: "Size?", options: ["s", { value: "m", label: "Medium" }] }
            return { text: greeting + " " + name, sure, size }
          }
        }`
      })
      yield* hob.add(paths["wizard.ts"]!)
      const asked: Array<any> = []
      const emitted: Array<unknown> = []
      const progress: Array<unknown> = []
      const answers: ReadonlyArray<unknown> = ["Ann", true, "m"]
      const result = yield* hob.call(
        "setup",
        { greeting: "Hi" },
        {
          onEmit: (value) => emitted.push(value),
          onProgress: (value) => progress.push(value),
          prompt: (question) => Effect.sync(() => answers[asked.push(question) - 1])
        }
      )
      assert.deepStrictEqual(result, { text: "Hi Ann", sure: true, size: "m" })
      assert.deepStrictEqual(asked, [
        { message: "Your name?", type: "text", default: "Bob" },
        { message: "Sure?", type: "confirm" },
        {
          message: "Size?",
          type: "select",
          options: [
            { value: "s", label: "s" },
            { value: "m", label: "Medium" }
          ]
        }
      ])
      assert.deepStrictEqual(emitted, [{ emit: "status", message: "begins" }])
      assert.deepStrictEqual(progress, [{ percent: 50, description: "half" }])
    })
  )

  it.live("a lock is held while the work runs and is free behind it, also behind work that throws", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "locks.ts": `let inside = 0, most = 0
          export async function count(_, hob) {
            await hob.lock("one", async ({ token }) => {
              most = Math.max(most, ++inside)
              await new Promise((resolve) => setTimeout(resolve, 5))
              inside--
            })
            return most
          }
          export const failing = (_, hob) => hob.lock("one", () => { throw new Error("inside") })
          export const held = (_, hob) => hob.lock("one", () => 1, { waitMillis: 0 })`
      })
      yield* hob.add(paths["locks.ts"]!)
      const counts = yield* Effect.forEach(Array(8), () => hob.call("count"), { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(counts), new Set([1]))
      assert.strictEqual((yield* failure(hob.call("failing"))).message, "inside")
      const client = yield* hob.connect
      yield* until(
        "the lock is free",
        Effect.map(client["locks.list"]({}), ({ locks }) => locks.length === 0)
      )
      yield* client["locks.acquire"]({ name: "one" as never, holder: "somebody" as never })
      assert.include((yield* failure(hob.call("held"))).message, 'held by "somebody"')
    })
  )

  it.live("a call that is given up while it waits for a lock does not get it later", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "waits.ts": `export const wait = (_, hob) => { hob.progress(0); return hob.lock("one", () => hob.emit("had it")) }`
      })
      yield* hob.add(paths["waits.ts"]!)
      const client = yield* hob.connect
      const { token } = yield* client["locks.acquire"]({ name: "one" as never, holder: "somebody" as never })
      const emitted: Array<unknown> = []
      const waiting = yield* hob.begin("wait", {}, { onEmit: (value) => emitted.push(value) })
      yield* until(
        "it waits",
        Effect.map(client["locks.list"]({}), ({ locks }) => locks[0]?.waiting === 1)
      )
      yield* Fiber.interrupt(waiting)
      yield* until(
        "it does not wait any more",
        Effect.map(client["locks.list"]({}), ({ locks }) => locks[0]?.waiting === 0)
      )
      yield* client["locks.release"]({ name: "one" as never, holder: "somebody" as never, token })
      assert.deepStrictEqual((yield* client["locks.list"]({})).locks, [])
      assert.deepStrictEqual(emitted, [])
    })
  )

  it.live("what is emitted to a channel comes there in order, however much it is, and before the result", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "many.ts": `export const many = (_, hob) => { for (let n = 0; n < 3000; n++) hob.emit({ channel: "numbers", data: n }) }`
      })
      yield* hob.add(paths["many.ts"]!)
      const client = yield* hob.connect
      const heard: Array<unknown> = []
      let last: string | undefined
      const hearing = yield* client["channels.subscribe"]({ patterns: ["numbers" as never] }).pipe(
        Stream.filter((item) => item.type === "event"),
        Stream.take(3000),
        Stream.runForEach(({ id, message }) =>
          Effect.sync(() => {
            heard.push((message as any).data)
            last = id
          })
        ),
        Effect.forkChild
      )
      yield* until(
        "it listens",
        Effect.map(client["channels.list"]({}), ({ channels }) => channels.some(({ subscribers }) => subscribers === 1))
      )
      yield* hob.call("many")
      const { channels } = yield* client["channels.list"]({})
      const lastId = channels.find(({ channel }) => channel === "numbers")?.lastId
      yield* Fiber.join(hearing)
      assert.strictEqual(lastId, last)
      assert.deepStrictEqual(
        heard,
        Array.from({ length: 3000 }, (_, n) => n)
      )
    })
  )

  it.live("sessions are at hand, with the protocol's own errors", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "sessions.ts": `export default class {
          async run() {
            const { id } = await this.sessions.run({ command: ["x"], name: "made" })
            const { sessions } = await this.sessions.list({})
            return [sessions.map(({ name }) => name), typeof id]
          }
          async missing() {
            try { await this.sessions.show({ session: "nobody" }) } catch (error) { return error.data._tag }
          }
        }`
      })
      yield* hob.add(paths["sessions.ts"]!)
      assert.deepStrictEqual(yield* hob.call("run"), [["made"], "string"])
      assert.strictEqual(yield* hob.call("missing"), "SessionNotFound")
    })
  )

  it.live("the signal is aborted when the caller gives up, and a method that listens ends", () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ HOB_METHODS_GRACE_MILLIS: "60000" })
      const { paths } = yield* written({
        "listens.ts": `let ended = 0
          export default class {
            wait() {
              this.progress(1)
              return new Promise((_, reject) => this.signal.addEventListener("abort", () => { ended++; reject(this.signal.reason) }))
            }
            ended() { return ended }
          }`
      })
      const file = paths["listens.ts"]!
      yield* hob.add(file)
      const { pid } = yield* hob.info(file)
      let begun = false
      const waiting = yield* hob.begin("wait", {}, { onProgress: () => void (begun = true) })
      yield* until(
        "it runs",
        Effect.sync(() => begun)
      )
      yield* Fiber.interrupt(waiting)
      yield* until(
        "it has heard",
        Effect.map(hob.call("ended"), (ended) => ended === 1)
      )
      assert.strictEqual((yield* hob.info(file)).pid, pid)
      yield* until(
        "it has ended",
        Effect.map(hob.info(file), ({ inFlight }) => inFlight === 0)
      )
    })
  )

  it.live("a class that has an emit, a lock or a field of its own keeps it", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "own.ts": `import { EventEmitter } from "node:events"
          export default class Own extends EventEmitter {
            sessions = ["mine"]
            lock() { return "mine" }
            heard() { let heard; this.once("x", (value) => { heard = value }); this.emit("x", 5); return heard }
            field() { return this.sessions }
          }`
      })
      const { methods } = yield* hob.add(paths["own.ts"]!)
      assert.sameMembers(
        methods.map(({ method }) => method),
        ["lock", "heard", "field"]
      )
      assert.strictEqual(yield* hob.call("heard"), 5)
      assert.strictEqual(yield* hob.call("lock"), "mine")
      assert.deepStrictEqual(yield* hob.call("field"), ["mine"])
    })
  )

  it.live("onInitialize comes before the first call and onShutdown after the last; neither is a method", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { directory, paths } = yield* written({
        "life.ts": `import { writeFileSync } from "node:fs"
          export default class {
            ready = false
            async onInitialize() { this.ready = true }
            isReady() { return this.ready }
            onShutdown() { writeFileSync(new URL("ended", import.meta.url), "") }
          }`
      })
      const file = paths["life.ts"]!
      const { methods } = yield* hob.add(file)
      assert.deepStrictEqual(
        methods.map(({ method }) => method),
        ["isReady"]
      )
      assert.strictEqual(yield* hob.call("isReady"), true)
      yield* hob.methods.remove(namespace("default"), file)
      yield* until(
        "it has said goodbye",
        Effect.sync(() => existsSync(`${directory}/ended`))
      )
      assert.strictEqual((yield* failure(hob.call("isReady")))._tag, "UnknownMethod")
    })
  )
})
