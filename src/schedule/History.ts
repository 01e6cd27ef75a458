import { Effect } from "effect"
import type { Settings } from "../config/settings.ts"
import type { Database } from "../storage/Database.ts"
import type { Sql } from "../storage/sqlite.ts"
import { isoOf } from "./ActiveRun.ts"
import * as trimming from "./trimming.ts"

/** How often runs that have grown too old are looked for. */
const SWEEP = "10 minutes"

/** Keeps the history of runs within its bounds: a job's count as its runs end, all bytes and ages now and then. */
export class History {
  readonly #database: Database["Service"]
  readonly #settings: () => Settings["schedule"]
  /** How many runs of a job have ended since its own were counted. */
  readonly #ended = new Map<number, number>()
  #bytes: number

  constructor(database: Database["Service"], settings: () => Settings["schedule"]) {
    this.#database = database
    this.#settings = settings
    this.#bytes = database.readNow(trimming.historyBytes)
  }

  /** A run that has not ended yet. */
  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** A run has ended, or was none: within the write that says so. */
  grow(
    sql: Sql,
    job: { readonly number: number; readonly namespace: string; readonly id: string },
    bytes: number
  ): void {
    this.#bytes += bytes
    const { historyBytes, historyCount } = this.#settings()
    const ended = (this.#ended.get(job.number) ?? 0) + 1
    // Now and then a tenth more than is kept, instead of a search for each run.
    const isTime = ended > Math.min(10, historyCount / 10)
    this.#ended.set(job.number, isTime ? 0 : ended)
    if (isTime) this.#bytes -= trimming.trimJob(sql, job.namespace, job.id, historyCount)
    if (this.#bytes > historyBytes) this.#trimOldest(sql, "", this.#bytes - historyBytes * 0.9)
  }

  /** The job is no more. */
  forget(number: number): void {
    this.#ended.delete(number)
  }

  #trimOldest(sql: Sql, endedBefore: string, bytes: number): boolean {
    const trimmed = trimming.trimOldest(sql, { endedBefore, bytes })
    this.#bytes = Math.max(0, this.#bytes - trimmed.bytes)
    return trimmed.isMore
  }

  /** Forgets what has grown too old, for ever. */
  sweep(wall: () => number): Effect.Effect<never> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        const endedBefore = isoOf(wall() - this.#settings().historyMillis)
        const more = yield* Effect.result(this.#database.write((sql) => this.#trimOldest(sql, endedBefore, 0)))
        if (more._tag === "Failure" || !more.success) yield* Effect.sleep(SWEEP)
      }
    })
  }
}
