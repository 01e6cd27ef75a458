/** The clock of these tests is moved by hand; the connections are real. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { existsSync, readFileSync } from "node:fs"
import { theMachine, thePhone, theReadyMachine, theServer } from "./support.ts"
import type { Phone } from "../support/happyServer/Phone.ts"

const held = <E>(name: string, test: () => Effect.Effect<unknown, E, Scope.Scope>) =>
  it.effect(name, () => Effect.scoped(test()))

/** Lets real input and output happen until something is so. */
const until = (check: () => boolean | Promise<boolean>): Effect.Effect<void> =>
  Effect.promise(async () => {
    while (!(await check())) await new Promise((again) => setImmediate(again))
  })

/** Makes the server say something to the machine, and waits until it has been heard. */
const say = (phone: Phone, machine: Effect.Success<ReturnType<typeof theReadyMachine>>, name: string) =>
  Effect.gen(function* () {
    const { machine: seen, metadata } = yield* Effect.promise(() => phone.read(machine.id))
    const socket = yield* Effect.promise(() => phone.connect())
    yield* Effect.promise(() =>
      socket.emitWithAck("machine-update-metadata", {
        machineId: machine.id,
        metadata: phone.encryptFor(seen, { ...metadata, displayName: name }),
        expectedVersion: seen.metadataVersion
      })
    )
    const status = machine.client["machine.status"]()
    while ((yield* status).metadataVersion !== seen.metadataVersion + 1) yield* Effect.yieldNow
  })

describe("the line to the server", () => {
  held("is kept by one heartbeat every 20 seconds, and nothing else is sent", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const machine = yield* theReadyMachine(server, phone)
      yield* until(() => server.count("machine-alive") === 1)
      const before = new Map(server.counts)
      for (let beat = 1; beat <= 6; beat++) {
        yield* TestClock.adjust("19 seconds")
        yield* say(phone, machine, `beat ${beat}`)
        assert.strictEqual(server.count("machine-alive"), beat)
        yield* TestClock.adjust("1 second")
        yield* until(() => server.count("machine-alive") === beat + 1)
      }
      // What the device itself has sent for the server to say something.
      const sent = [...server.counts].flatMap(([what, count]) => {
        const more = count - (before.get(what) ?? 0)
        return more === 0 ? [] : [[what, more]]
      })
      assert.deepStrictEqual(Object.fromEntries(sent), {
        "machine-alive": 6,
        "machine-update-metadata": 6,
        "GET /v1/machines": 6,
        connect: 1
      })
    })
  )

  held("tells with the next heartbeat where hob answers over HTTP, once it does", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const machine = yield* theReadyMachine(server, phone, {}, { http: { port: 0 } })
      const said = Effect.promise(async () => (await phone.read(machine.id)).daemonState)
      assert.notProperty(yield* said, "httpPort")
      const { url } = yield* machine.client["http.enable"]({})
      const port = Number(new URL(url!).port)
      yield* until(() => existsSync(machine.daemon.paths.httpState))
      yield* TestClock.adjust("20 seconds")
      yield* until(async () => (await phone.read(machine.id)).daemonState.httpPort === port)
      assert.include(yield* said, { status: "running", httpPort: port })
    })
  )

  held("is given up when nothing comes any more, closed for sure, and made anew", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const machine = yield* theReadyMachine(server, phone)
      const thaw = server.freeze()
      const status = machine.client["machine.status"]()
      for (let tick = 0; tick < 2; tick++) {
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual((yield* status).state, "ready")
      }
      yield* TestClock.adjust("20 seconds")
      // What is said at the end has its time limits too, which pass.
      for (let tick = 0; (yield* status).state !== "waiting"; tick++)
        yield* tick < 100 ? TestClock.adjust("50 millis") : Effect.yieldNow
      const waiting = yield* status
      assert.match(waiting.reason!, /^Nothing has come from the server for \d+ s\.$/)
      yield* TestClock.adjust("1 second")
      while ((yield* status).state !== "ready") yield* Effect.yieldNow
      thaw()
      yield* until(() => server.sockets.length === 1)
    })
  )

  held("is tried ever later, up to a minute, for as long as it takes", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      yield* Effect.promise(() => server.stop())
      const machine = yield* theMachine(server, phone)
      yield* machine.client["machine.enable"]({})
      const status = machine.client["machine.status"]()
      const pauses: Array<number> = []
      let now = 0
      for (let failures = 1; failures <= 12; failures++) {
        let seen = yield* status
        while (seen.state !== "waiting" || seen.failures !== failures) {
          yield* Effect.yieldNow
          seen = yield* status
        }
        const pause = Date.parse(seen.nextAttemptAt!) - now
        pauses.push(pause)
        now += pause
        yield* TestClock.adjust(pause)
      }
      pauses.forEach((pause, index) => {
        const whole = Math.min(1000 * 2 ** index, 60_000)
        assert.isAtLeast(pause, whole / 2)
        assert.isAtMost(pause, whole)
      })
      assert.isAbove(new Set(pauses.slice(-5)).size, 1)
      const { paths } = machine.daemon
      assert.include(readFileSync(paths.config, "utf8"), '"enabled": true')
    })
  )
})
