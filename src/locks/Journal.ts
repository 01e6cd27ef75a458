import type { Sql } from "../storage/sqlite.ts"
import * as rows from "./rows.ts"
import type { HeldState } from "./state.ts"

/** The journal is folded into the table once it has so many batches, or knows of so many leases. */
export const JOURNAL_BATCHES = 64
const LEASES = 4096

/** What has been written, to be taken over once it is committed. */
export interface Written {
  readonly delta: rows.Delta
  readonly isFolded: boolean
}

/**
 * What stands in the journal and not in the table of leases, as of the last commit. A batch is one row in place of one
 * for each lock, and most locks are given back before the journal is folded: they never get a row of their own.
 */
export class Journal {
  readonly #bootId: string | null
  /** By token. Undefined: it is over, and has a row. */
  #leases = new Map<number, HeldState | undefined>()
  #batches: number
  #lastBatch: number
  /** Tokens behind this one have no row. */
  #rowsThrough: number
  #newest: number
  readonly #most: number

  /** As the store has it. `held`: the leases that were made of its rows, by token. `most`: batches before it is folded. */
  constructor(
    loaded: rows.Loaded,
    held: ReadonlyMap<number, HeldState>,
    { bootId, most }: { readonly bootId: string | null; readonly most: number }
  ) {
    this.#bootId = bootId
    this.#most = most
    this.#batches = loaded.batches
    this.#lastBatch = loaded.lastBatch
    this.#rowsThrough = loaded.ceiling
    this.#newest = loaded.ceiling
    for (const token of loaded.journal.keys()) this.#leases.set(token, held.get(token))
  }

  /** Writes what a batch comes to. Nothing, if it has changed no lease. */
  write(sql: Sql, delta: rows.Delta): Written {
    const isFolded = this.#batches >= this.#most || this.#leases.size >= LEASES
    if (isFolded) {
      const stored = (lease: HeldState | undefined) => lease && rows.toStored(lease, this.#bootId)
      rows.fold(sql, new Map(Array.from(this.#leases, ([token, lease]) => [token, stored(lease)] as const)))
    }
    if (delta.leases.length + delta.over.length > 0) rows.append(sql, this.#lastBatch + 1, delta, this.#bootId)
    return { delta, isFolded }
  }

  /** It is committed. */
  take({ delta: { leases, over }, isFolded }: Written): void {
    if (isFolded) {
      this.#leases = new Map()
      this.#batches = 0
      this.#rowsThrough = this.#newest
    }
    if (leases.length + over.length === 0) return
    this.#batches++
    this.#lastBatch++
    for (const token of over) {
      if (token > this.#rowsThrough) this.#leases.delete(token)
      else this.#leases.set(token, undefined)
    }
    for (const lease of leases) {
      const { token } = lease.grant
      this.#leases.set(token, lease)
      if (token > this.#newest) this.#newest = token
    }
  }
}
