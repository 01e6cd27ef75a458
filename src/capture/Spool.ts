import { Effect, Option, Schema } from "effect"
import { readdirSync, readFileSync, statSync, unlinkSync } from "node:fs"
import { join } from "node:path"
import { SpoolRecord } from "../protocol/captureHooks.ts"

/** A longer one was not written by hob. */
const MOST_BYTES = 32 * 1024 * 1024

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(SpoolRecord))

/** What hooks have left while no daemon answered: a file for each call, named so that their order is that of their names. */
export class Spool {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The names of those that are there, oldest first. One that is being written has no name yet. */
  readonly #names = (): ReadonlyArray<string> => {
    try {
      return readdirSync(this.#directory)
        .filter((name) => name.endsWith(".json"))
        .toSorted()
    } catch {
      return []
    }
  }

  get isEmpty(): boolean {
    return this.#names().length === 0
  }

  /**
   * Hands each on, and removes it once that is done: one that is interrupted is handed on again. Ends with the first
   * that fails, which stays. What nobody can read is removed and told of. Gives how many were taken.
   */
  readonly drain = <E extends { readonly message: string }>(
    take: (record: SpoolRecord) => Effect.Effect<unknown, E>
  ): Effect.Effect<number> =>
    Effect.gen({ self: this }, function* () {
      let taken = 0
      for (const name of this.#names()) {
        const path = join(this.#directory, name)
        const record = readRecord(path)
        if (record === undefined) yield* Effect.logWarning(`${path} is not what a hook has left; it is removed`)
        else {
          const outcome = yield* Effect.result(take(record))
          if (outcome._tag === "Failure") {
            yield* Effect.logWarning(`what hooks have left waits until it can be taken: ${outcome.failure.message}`)
            return taken
          }
          taken++
        }
        yield* Effect.sync(() => remove(path))
      }
      return taken
    })
}

const readRecord = (path: string): SpoolRecord | undefined => {
  try {
    if (statSync(path).size > MOST_BYTES) return undefined
    return Option.getOrUndefined(decode(readFileSync(path, "utf8")))
  } catch {
    return undefined
  }
}

const remove = (path: string): void => {
  try {
    unlinkSync(path)
  } catch {
    // Then it is taken again, which changes nothing.
  }
}
