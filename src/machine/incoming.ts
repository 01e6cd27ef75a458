/** What the server sends on one line, sorted: by whom each of it is waited for. */
import { Deferred, Effect, Exit, Queue, type Scope } from "effect"
import type { LineOptions } from "./Line.ts"
import { OutOfStep } from "./registering.ts"
import { type CallMessage, readServerMessage, type UpdateMessage } from "./serverMessages.ts"

/** Of the updates that the server sends, so many may wait. */
const WAITING = 1024

export interface IncomingOptions {
  readonly machineId: string
  /** The calls that devices may make, without the machine's id in front. */
  readonly names: ReadonlyArray<string>
  /** Answers a call that comes before anybody answers calls. */
  readonly refuse: (call: CallMessage) => void
}

export interface Incoming {
  /** Takes what the server sends; all else here follows from it. */
  readonly hear: LineOptions["hear"]
  /** From now on calls are answered so; those that came before were refused. */
  readonly answerBy: (answer: (call: CallMessage) => void) => void
  /** What others have written of this machine. */
  readonly updates: Queue.Dequeue<UpdateMessage>
  /** The calls that the server has not confirmed yet, with the machine's id in front. */
  readonly unconfirmed: ReadonlySet<string>
  /** Waits until the server has confirmed all of them. */
  readonly confirmed: Effect.Effect<void>
  /** Waits until the server refuses this machine, and fails with why. */
  readonly complaint: Effect.Effect<never, OutOfStep>
}

/** What waits is bounded: a later update tells what a dropped one did. */
export const makeIncoming = ({
  machineId,
  names,
  refuse
}: IncomingOptions): Effect.Effect<Incoming, never, Scope.Scope> =>
  Effect.gen(function* () {
    const updates = yield* Queue.dropping<UpdateMessage>(WAITING)
    const unconfirmed = new Set(names.map((name) => `${machineId}:${name}`))
    const confirmed = yield* Deferred.make<void>()
    const complaint = yield* Deferred.make<never, OutOfStep>()
    let answerCall = refuse
    const hear: Incoming["hear"] = (event, sent, ack) => {
      const message = readServerMessage(machineId, event, sent, ack)
      switch (message?.type) {
        case "registered":
          unconfirmed.delete(message.method)
          if (unconfirmed.size === 0) Deferred.doneUnsafe(confirmed, Exit.void)
          return
        case "complaint": {
          const reason = `The server has refused: ${message.reason}.`
          return void Deferred.doneUnsafe(complaint, Exit.fail(new OutOfStep({ reason })))
        }
        case "call":
          return answerCall(message)
        case "update":
          return void Queue.offerUnsafe(updates, message)
      }
    }
    return {
      hear,
      answerBy: (answer) => void (answerCall = answer),
      updates,
      unconfirmed,
      confirmed: Deferred.await(confirmed),
      complaint: Deferred.await(complaint)
    }
  })
