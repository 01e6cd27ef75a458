import { Deferred, Effect, Exit, Fiber, Queue, Schema } from "effect"

/** The actor has as much waiting as it takes; the request was not accepted. Try again later. */
export class MailboxFull extends Schema.TaggedError<MailboxFull>()("MailboxFull", {
  mailbox: Schema.String,
  capacity: Schema.Int
}) {
  override get message() {
    return `"${this.mailbox}" is busy: ${this.capacity} requests are waiting.`
  }
}

/** The actor failed while it had this request in hand. Whether the request took effect is not known. */
export class RequestAborted extends Schema.TaggedError<RequestAborted>()("RequestAborted", {
  mailbox: Schema.String
}) {
  override get message() {
    return `"${this.mailbox}" restarted while it had the request in hand.`
  }
}

/**
 * A bounded queue of requests in front of an actor. It outlives the actor's runs: what waits when the actor fails is
 * taken up by its next run; what was in hand fails with {@link RequestAborted}, so that nobody waits for ever.
 */
export interface Mailbox<Request, A, E> {
  /** Hands in a request and waits for its answer. Refused with {@link MailboxFull} when `capacity` requests are waiting or in hand. */
  readonly ask: (request: Request) => Effect.Effect<A, E | MailboxFull | RequestAborted>
  /**
   * The actor's side: takes requests in order, for ever. With `concurrency: 1` (the default) each is finished before
   * the next is taken; with `"unbounded"` each is started in order and may finish later. A handler's typed failure is
   * the asker's; its defect ends this run. An asker that gives up interrupts the handler of its request.
   */
  readonly receive: (
    handle: (request: Request) => Effect.Effect<A, E>,
    options?: { readonly concurrency?: 1 | "unbounded" }
  ) => Effect.Effect<never>
  /** Requests waiting or in hand. */
  readonly size: Effect.Effect<number>
  /** Waits until nothing is waiting or in hand. */
  readonly drain: Effect.Effect<void>
}

interface Letter<Request, A, E> {
  readonly request: Request
  readonly reply: Deferred.Deferred<A, E | MailboxFull | RequestAborted>
  handler?: Fiber.Fiber<unknown, unknown>
}

/** A mailbox that refuses when `capacity` requests are waiting or in hand. */
export const make = <Request, A, E = never>(options: {
  readonly name: string
  readonly capacity: number
}): Effect.Effect<Mailbox<Request, A, E>> =>
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<Letter<Request, A, E>>()
    let open = 0
    let idle: Array<Deferred.Deferred<void>> = []

    const settle = (letter: Letter<Request, A, E>, exit: Exit.Exit<A, E | MailboxFull | RequestAborted>) => {
      if (Deferred.isDoneUnsafe(letter.reply)) return
      // First, for the asker may go on within doneUnsafe and look.
      open--
      Deferred.doneUnsafe(letter.reply, exit)
      if (open > 0) return
      for (const waiter of idle) Deferred.doneUnsafe(waiter, Exit.void)
      idle = []
    }

    const ask = (request: Request): Effect.Effect<A, E | MailboxFull | RequestAborted> =>
      Effect.suspend(() => {
        if (Math.max(open, Queue.sizeUnsafe(queue)) >= options.capacity) {
          return Effect.fail(new MailboxFull({ mailbox: options.name, capacity: options.capacity }))
        }
        open++
        const letter: Letter<Request, A, E> = { request, reply: Deferred.makeUnsafe() }
        Queue.offerUnsafe(queue, letter)
        // An asker that gives up leaves its letter settled: the actor skips it if it is still waiting.
        return Effect.onInterrupt(Deferred.await(letter.reply), () =>
          Effect.suspend(() => {
            settle(letter, Exit.interrupt())
            return letter.handler === undefined ? Effect.void : Fiber.interrupt(letter.handler)
          })
        )
      })

    const aborted = Exit.fail(new RequestAborted({ mailbox: options.name }))

    const receive: Mailbox<Request, A, E>["receive"] = (handle, { concurrency = 1 } = {}) =>
      Effect.gen(function* () {
        const crash = yield* Deferred.make<never>()
        const one = (letter: Letter<Request, A, E>) =>
          handle(letter.request).pipe(
            Effect.onExit((exit) =>
              Effect.sync(() => {
                if (exit._tag === "Success" || !hasDefectOrInterrupt(exit)) return settle(letter, exit)
                settle(letter, aborted)
                if (hasDefect(exit)) Deferred.doneUnsafe(crash, exit as Exit.Exit<never>)
              })
            ),
            Effect.exit
          )
        const loop = Effect.gen(function* () {
          for (;;) {
            const letter = yield* Queue.take(queue)
            if (Deferred.isDoneUnsafe(letter.reply)) continue
            const fiber = yield* Effect.forkScoped(one(letter), { startImmediately: true })
            letter.handler = fiber
            if (concurrency === 1) yield* Fiber.await(fiber)
          }
        })
        return yield* Effect.raceFirst(loop, Deferred.await(crash))
      }).pipe(Effect.scoped)

    return {
      ask,
      receive,
      size: Effect.sync(() => open),
      drain: Effect.suspend(() => {
        if (open === 0) return Effect.void
        const waiter = Deferred.makeUnsafe<void>()
        idle.push(waiter)
        return Deferred.await(waiter)
      })
    }
  })

const hasDefect = (exit: Exit.Failure<unknown, unknown>) => exit.cause.reasons.some((reason) => reason._tag === "Die")

const hasDefectOrInterrupt = (exit: Exit.Failure<unknown, unknown>) =>
  exit.cause.reasons.some((reason) => reason._tag !== "Fail")
