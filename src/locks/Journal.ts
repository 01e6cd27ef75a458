import type { Sql } from "../storage/sqlite.ts"
import * as rows from "./rows.ts"
import type { HeldState } from "./state.ts"

/** The journal is folded into the table once it has so many batches, or knows of so many leases. */
export const JOURNAL_BATCHES = 64
const LEASES = 4096

/** What has been written, to be taken over once it is committed. */
export interface Written {
  readonly delta: rows.Delta
  /** Where; undefined if there was nothing to write. */
  readonly at: rows.Place | undefined
}

/**
 * What stands in the journal and not in the table of leases, as of the last commit. A batch is one row in place of one
 * for each lock, and most locks are given back before the journal is folded: they never get a row of their own.
 */
export class Journal {
  readonly #bootId: string | null
  /** By token. Undefined: it is over, and has a row. */
  #leases = new Map<number, HeldState | undefined>()
  #next: rows.Place
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
    this.#next = loaded.next
    this.#rowsThrough = loaded.ceiling
    this.#newest = loaded.ceiling
    for (const token of loaded.journal.keys()) this.#leases.set(token, held.get(token))
  }

  /** Writes what a batch comes to. Nothing, if it has changed no lease. */
  write(sql: Sql, delta: rows.Delta): Written {
    if (delta.leases.length + delta.over.length === 0) return { delta, at: undefined }
    const isFull = this.#next.slot >= this.#most || this.#leases.size >= LEASES
    const at = isFull ? { round: this.#next.round + 1, slot: 0 } : this.#next
    if (isFull) {
      const stored = (lease: HeldState | undefined) => lease && rows.toStored(lease, this.#bootId)
      rows.fold(sql, new Map(Array.from(this.#leases, ([token, lease]) => [token, stored(lease)] as const)))
    }
    rows.append(sql, at, delta, this.#bootId)
    return { delta, at }
  }

  /** It is committed. */
  take({ at, delta: { leases, over } }: Written): void {
    if (at === undefined) return
    if (at.round !== this.#next.round) {
      this.#leases = new Map()
      this.#rowsThrough = this.#newest
    }
    this.#next = { round: at.round, slot: at.slot + 1 }
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
