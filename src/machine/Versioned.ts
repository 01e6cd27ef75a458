import { Data, Effect, Result, Schema, Semaphore } from "effect"
import { monotonicMillis } from "../actors/monotonic.ts"
import type { Cipher } from "./encryption.ts"
import type { Line, NoAnswer } from "./Line.ts"
import { nextWindow, somewhereIn } from "./retrying.ts"

export type Field = "metadata" | "daemonState"

/** Others may be quicker so often. */
export const MAX_ATTEMPTS = 11

const Ack = Schema.Union([
  Schema.Struct({
    result: Schema.Literals(["success", "version-mismatch"]),
    version: Schema.Int,
    metadata: Schema.optionalKey(Schema.NullOr(Schema.String)),
    daemonState: Schema.optionalKey(Schema.NullOr(Schema.String))
  }),
  Schema.Struct({ result: Schema.Literal("error"), message: Schema.optionalKey(Schema.String) })
])
const decodeAck = Schema.decodeUnknownResult(Ack)

/** The server does not take what this machine says of itself. */
export class NotTaken extends Data.TaggedError("NotTaken")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

const events = { metadata: "machine-update-metadata", daemonState: "machine-update-state" } as const

export interface VersionedOptions {
  readonly field: Field
  readonly machineId: string
  readonly line: Line
  readonly cipher: Cipher
  readonly version: number
  readonly value: string | null
}

/** One of the two things that the server keeps of a machine, as it is known here, and how it is changed. */
export class Versioned {
  readonly #options: VersionedOptions
  readonly #oneAtATime = Semaphore.makeUnsafe(1)
  #version: number
  #value: string | null
  /** How long to hold back at most, where others write too. */
  #window = 0
  /** Attempts of the last update. */
  attempts = 0

  constructor(options: VersionedOptions) {
    this.#options = options
    this.#version = options.version
    this.#value = options.value
  }

  get version(): number {
    return this.#version
  }

  /** What the server has; null where there is nothing, or nothing that can be read. */
  get current(): unknown {
    if (this.#value === null) return null
    return Result.getOrElse(this.#options.cipher.decrypt(this.#value), () => null)
  }

  /** Somebody has written it. False when that is not news. */
  take(version: number, value: string | null): boolean {
    if (version <= this.#version) return false
    this.#version = version
    this.#value = value
    return true
  }

  /**
   * Writes what `change` makes of what is there, until the server takes it; undefined: there is nothing to write. When
   * somebody else was quicker, theirs is taken and changed in turn, a bounded number of times.
   */
  update(
    change: (current: unknown) => unknown,
    { within }: { readonly within: number }
  ): Effect.Effect<void, NotTaken | NoAnswer> {
    return Effect.gen({ self: this }, function* () {
      const { cipher, field, line, machineId } = this.#options
      for (this.attempts = 1; ; this.attempts++) {
        if (this.#window > 0) yield* Effect.sleep(yield* somewhereIn(this.#window))
        const value = change(this.current)
        if (value === undefined) return
        const text = cipher.encrypt(value)
        const request = { machineId, [field]: text, expectedVersion: this.#version }
        const asked = yield* monotonicMillis
        const said = yield* line.ask(events[field], request, within)
        const took = (yield* monotonicMillis) - asked
        const ack = Result.getOrUndefined(decodeAck(said))
        if (ack === undefined)
          return yield* new NotTaken({ reason: `The server's answer to ${events[field]} is none.` })
        if (ack.result === "error") return yield* new NotTaken({ reason: `${ack.message ?? "no reason"} (${field})` })
        const isSuccess = ack.result === "success"
        this.#version = ack.version
        this.#value = ack[field] ?? (isSuccess ? text : null)
        this.#window = nextWindow(this.#window, took, isSuccess)
        if (isSuccess) return
        if (this.attempts === MAX_ATTEMPTS) {
          return yield* new NotTaken({ reason: `Others have written ${field} ${MAX_ATTEMPTS} times in between.` })
        }
      }
    }).pipe(this.#oneAtATime.withPermits(1))
  }
}
