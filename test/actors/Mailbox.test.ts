import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Queue } from "effect"
import * as Mailbox from "../../src/actors/Mailbox.ts"

const make = (capacity: number) => Mailbox.make<number, number, "odd">({ name: "numbers", capacity })

describe("Mailbox", () => {
  it.effect("answers each asker with the handler's result or its typed failure", () =>
    Effect.gen(function* () {
      const mailbox = yield* make(10)
      yield* Effect.forkScoped(
        mailbox.receive((n) => (n % 2 === 0 ? Effect.succeed(n * 10) : Effect.fail("odd" as const)))
      )
      assert.strictEqual(yield* mailbox.ask(2), 20)
      assert.strictEqual(yield* Effect.flip(mailbox.ask(3)), "odd")
    })
  )

  it.effect("refuses when as many are waiting as it takes, and takes again when there is room", () =>
    Effect.gen(function* () {
      const mailbox = yield* make(2)
      const first = yield* Effect.forkScoped(mailbox.ask(1), { startImmediately: true })
      yield* Effect.forkScoped(mailbox.ask(2), { startImmediately: true })
      const refused = yield* Effect.flip(mailbox.ask(3))
      assert.instanceOf(refused, Mailbox.MailboxFull)
      yield* Effect.forkScoped(mailbox.receive(Effect.succeed))
      yield* Fiber.join(first)
      yield* mailbox.drain
      assert.strictEqual(yield* mailbox.ask(4), 4)
    })
  )

  it.effect("handles one request at a time, in order", () =>
    Effect.gen(function* () {
      const mailbox = yield* Mailbox.make<number, void>({ name: "order", capacity: 10 })
      const log: Array<string> = []
      const gate = yield* Deferred.make<void>()
      yield* Effect.forkScoped(
        mailbox.receive((n) =>
          Effect.gen(function* () {
            log.push(`begin ${n}`)
            yield* Deferred.await(gate)
            log.push(`end ${n}`)
          })
        )
      )
      const asks = yield* Effect.forEach([1, 2, 3], (n) =>
        Effect.forkScoped(mailbox.ask(n), { startImmediately: true })
      )
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.forEach(asks, Fiber.join)
      assert.deepStrictEqual(log, ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"])
    })
  )

  it.effect("with unbounded concurrency a slow request does not hold up the next", () =>
    Effect.gen(function* () {
      const mailbox = yield* Mailbox.make<number, number>({ name: "parallel", capacity: 10 })
      yield* Effect.forkScoped(
        mailbox.receive((n) => (n === 1 ? Effect.never : Effect.succeed(n)), { concurrency: "unbounded" })
      )
      yield* Effect.forkScoped(mailbox.ask(1), { startImmediately: true })
      assert.strictEqual(yield* mailbox.ask(2), 2)
      assert.strictEqual(yield* mailbox.size, 1)
    })
  )

  it.effect("a handler's bug ends the run, fails the request in hand, and the next run takes up what waits", () =>
    Effect.gen(function* () {
      const mailbox = yield* make(10)
      const bad = yield* Effect.forkScoped(Effect.exit(mailbox.ask(1)), { startImmediately: true })
      const good = yield* Effect.forkScoped(mailbox.ask(2), { startImmediately: true })
      const run = yield* Effect.exit(mailbox.receive((n) => (n === 1 ? Effect.die("bug") : Effect.succeed(n))))
      assert.isTrue(Exit.isFailure(run))
      const refused = yield* Effect.flip(Effect.flatten(Fiber.join(bad)))
      assert.instanceOf(refused, Mailbox.RequestAborted)
      yield* Effect.forkScoped(mailbox.receive(Effect.succeed))
      assert.strictEqual(yield* Fiber.join(good), 2)
    })
  )

  it.effect("interrupting the run fails what was in hand, so that nobody waits for ever", () =>
    Effect.gen(function* () {
      const mailbox = yield* make(10)
      const taken = yield* Queue.unbounded<number>()
      const run = yield* Effect.forkScoped(
        mailbox.receive((n) => Effect.andThen(Queue.offer(taken, n), Effect.never), { concurrency: "unbounded" })
      )
      const ask = yield* Effect.forkScoped(Effect.flip(mailbox.ask(1)), { startImmediately: true })
      yield* Queue.take(taken)
      yield* Fiber.interrupt(run)
      assert.instanceOf(yield* Fiber.join(ask), Mailbox.RequestAborted)
      assert.strictEqual(yield* mailbox.size, 0)
    })
  )

  it.effect("an asker that gives up frees its place, and its request is not handled", () =>
    Effect.gen(function* () {
      const mailbox = yield* make(1)
      const ask = yield* Effect.forkScoped(mailbox.ask(1), { startImmediately: true })
      yield* Fiber.interrupt(ask)
      assert.strictEqual(yield* mailbox.size, 0)
      const handled: Array<number> = []
      yield* Effect.forkScoped(mailbox.receive((n) => Effect.sync(() => (handled.push(n), n))))
      yield* Effect.yieldNow
      assert.strictEqual(yield* mailbox.ask(2), 2)
      assert.deepStrictEqual(handled, [2])
    })
  )

  it.effect("an asker that gives up interrupts the handler of its request, and no other", () =>
    Effect.gen(function* () {
      const mailbox = yield* make(10)
      const taken = yield* Queue.unbounded<number>()
      const interrupted: Array<number> = []
      yield* Effect.forkScoped(
        mailbox.receive(
          (n) =>
            Effect.andThen(Queue.offer(taken, n), Effect.never).pipe(
              Effect.onInterrupt(() => Effect.sync(() => void interrupted.push(n)))
            ),
          { concurrency: "unbounded" }
        )
      )
      const asks = yield* Effect.forEach([1, 2], (n) => Effect.forkScoped(mailbox.ask(n), { startImmediately: true }))
      yield* Queue.takeN(taken, 2)
      yield* Fiber.interrupt(asks[0]!)
      assert.deepStrictEqual(interrupted, [1])
      assert.strictEqual(yield* mailbox.size, 1)
    })
  )
})
