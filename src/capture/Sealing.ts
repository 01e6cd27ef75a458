import { Effect, Fiber, Redacted, type Scope, Semaphore } from "effect"
import { randomBytes } from "node:crypto"
import { SecretUnusable, StorageFailed } from "../protocol/storage.ts"
import type { Secrets } from "../secrets/Secrets.ts"
import { KEY_BYTES, makeSeal, type Seal } from "./seal.ts"

/** What the key of captures is called: it is a file of this name in the home, or in the user's key store. */
export const CAPTURE_KEY = "capture.key"

/** How long the start of a daemon waits for a key store, which may wait for its user. */
const START = "3 seconds"
/** How often a key that can't be used is asked for again, when it is wanted. */
const AGAIN_MILLIS = 5000

export interface SealingOptions {
  readonly secrets: Secrets["Service"]
  readonly isOn: boolean
  readonly monotonic: () => number
  /** Whether a text is stored that was sealed: then another key than its own would not do. */
  readonly hasSealed: Effect.Effect<boolean>
}

/** The seal as the setting says: on, off, or unusable, and then nothing is written down. */
export class Sealing implements Seal {
  readonly #options: SealingOptions
  #isOn: boolean
  #seal: Seal = makeSeal(null)
  #problem: StorageFailed | null = null
  #asked = 0

  private constructor(options: SealingOptions) {
    this.#options = options
    this.#isOn = options.isOn
  }

  /** Has its key, where there is one, unless the key store takes its time: then it comes when it comes. */
  static readonly make = (options: SealingOptions): Effect.Effect<Sealing, never, Scope.Scope> =>
    Effect.gen(function* () {
      const sealing = new Sealing(options)
      sealing.#problem = problemOf(options.isOn, "the key store has not answered yet. Unlock it.")
      const loading = yield* Effect.forkScoped(sealing.#load)
      yield* Effect.timeoutOption(Fiber.await(loading), START)
      return sealing
    })

  /** Why nothing may be written down; null when it may. */
  get problem(): StorageFailed | null {
    return this.#problem
  }

  get hasKey(): boolean {
    return this.#seal.hasKey
  }

  /** What was sealed before can be opened whichever it is. */
  readonly set = (isOn: boolean): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.#isOn = isOn
      return this.#load
    })

  /** Asks for a key that could not be had, unless that was just done. */
  readonly again: Effect.Effect<void> = Effect.suspend(() =>
    this.#problem === null || this.#options.monotonic() - this.#asked < AGAIN_MILLIS ? Effect.void : this.#load
  )

  readonly #load: Effect.Effect<void> = Semaphore.makeUnsafe(1).withPermits(1)(Effect.suspend(() => this.#loadNow()))

  #loadNow(): Effect.Effect<void> {
    this.#asked = this.#options.monotonic()
    const isOn = this.#isOn
    const { hasSealed, secrets } = this.#options
    const there = secrets.read(CAPTURE_KEY)
    const made = Effect.flatMap(hasSealed, (isLost) =>
      isLost
        ? Effect.fail(new SecretUnusable({ secret: CAPTURE_KEY, reason: LOST }))
        : secrets.readOrMake(CAPTURE_KEY, () => randomBytes(KEY_BYTES))
    )
    return Effect.flatMap(there, (found) => (found === null && isOn ? made : Effect.succeed(found))).pipe(
      Effect.map((found) => (found === null ? null : Redacted.value(found))),
      Effect.filterOrFail(
        (found) => found === null || found.length === KEY_BYTES,
        () =>
          new SecretUnusable({
            secret: CAPTURE_KEY,
            reason: `it is not a key of ${KEY_BYTES} bytes. Put the right one in its place: what was sealed with it can't be read otherwise.`
          })
      ),
      Effect.match({
        onSuccess: (found) => {
          this.#seal = makeSeal(found, isOn)
          this.#problem = null
        },
        onFailure: ({ message }) => {
          this.#seal = makeSeal(null)
          this.#problem = problemOf(isOn, message)
        }
      }),
      Effect.andThen(() => (this.#problem === null ? Effect.void : Effect.logError(this.#problem.message)))
    )
  }

  readonly close = (text: string, name: string): string | Uint8Array => this.#seal.close(text, name)
  readonly open = (body: string | Uint8Array, name: string): string | null => this.#seal.open(body, name)
}

const LOST =
  "it is not there, and captures are sealed with it. Put it back. If it is lost, `hob capture discard` those of which `hob capture show` says so: then another one is made."

const problemOf = (isOn: boolean, reason: string): StorageFailed | null =>
  isOn ? new StorageFailed({ path: "capture.encrypt", reason }) : null
