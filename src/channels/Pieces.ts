import { Effect } from "effect"
import type { Text } from "./Event.ts"
import type { Pipe } from "./Feed.ts"

/** Texts that may wait for whoever takes them. */
const CAPACITY = 64

/** A pipe whose other end is taken from by a fiber: for subscribers in process, and doors that run streams. */
export class Pieces<E> implements Pipe {
  #texts: Array<string> = []
  #failure: { readonly error: E } | undefined
  #taker: (() => void) | undefined
  #waiting: Array<() => void> = []

  readonly write = (text: Text): void => {
    this.#texts.push(text.toString())
    this.#taker?.()
  }

  readonly isBlocked = (): boolean => this.#texts.length >= CAPACITY

  readonly whenWritable = (go: () => void): void => void this.#waiting.push(go)

  /** Behind what has been written. */
  fail(error: E): void {
    this.#failure = { error }
    this.#taker?.()
  }

  /** Everything that has been written, once there is something. */
  readonly take: Effect.Effect<ReadonlyArray<string>, E> = Effect.callback((resume) => {
    const give = () => {
      if (this.#texts.length === 0 && this.#failure === undefined) return
      this.#taker = undefined
      if (this.#texts.length === 0) return resume(Effect.fail(this.#failure!.error))
      const texts = this.#texts
      const waiting = this.#waiting
      this.#texts = []
      this.#waiting = []
      resume(Effect.succeed(texts))
      for (const go of waiting) go()
    }
    this.#taker = give
    give()
    return Effect.sync(() => void (this.#taker = undefined))
  })
}
