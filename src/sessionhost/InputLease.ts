import type { LeaseFrame } from "../protocol/sessionHost.ts"

/** A size of a terminal, in cells. */
export interface Size {
  readonly cols: number
  readonly rows: number
}

/** An attached client, as the lease knows it. */
export interface Seat {
  /** Who it is, for people. */
  readonly client: string
  /** False for one that only watches. */
  readonly mayHold: boolean
  /** The lease went to somebody else, or became free. */
  readonly onLease: () => void
}

/**
 * Who of a session's clients may type and decides the terminal's size: one at a time. The first that comes has it. When
 * its holder leaves it is free, the size stays, and it goes to whoever comes or types next: a terminal left open
 * somewhere changes nothing for a program that nobody is using.
 */
export class InputLease {
  readonly #resize: (size: Size) => void
  readonly #sizes = new Map<Seat, Size | null>()
  #holder: Seat | null = null
  #since = ""

  /** `resize` sets the terminal's size. */
  constructor(resize: (size: Size) => void) {
    this.#resize = resize
  }

  /** Who has it, for people. */
  get holder(): { readonly client: string; readonly since: string } | null {
    return this.#holder === null ? null : { client: this.#holder.client, since: this.#since }
  }

  /** `take`: true takes it from whoever has it; undefined only when it is free; false never. */
  join(seat: Seat, size: Size | null, take: boolean | undefined): void {
    this.#sizes.set(seat, size)
    if (take === true || (take === undefined && this.#holder === null)) this.take(seat)
  }

  /** As it was before this process replaced itself: nobody is told, and no size is set. `since`: the seat has it. */
  restore(seat: Seat, size: Size | null, since: string | null): void {
    this.#sizes.set(seat, size)
    if (since === null) return
    this.#holder = seat
    this.#since = since
  }

  /** How `seat` stands, for {@link InputLease.restore}. */
  standing(seat: Seat): { readonly size: Size | null; readonly since: string | null } {
    return { size: this.#sizes.get(seat) ?? null, since: this.#holder === seat ? this.#since : null }
  }

  leave(seat: Seat): void {
    this.#sizes.delete(seat)
    if (this.#holder === seat) this.#give(null)
  }

  take(seat: Seat): void {
    if (!seat.mayHold || this.#holder === seat || !this.#sizes.has(seat)) return
    this.#give(seat)
    const size = this.#sizes.get(seat)
    if (size != null) this.#resize(size)
  }

  /** Whether what `seat` types goes on to the program. A free lease goes to who types. */
  mayType(seat: Seat): boolean {
    if (this.#holder === null) this.take(seat)
    return this.#holder === seat
  }

  /** The size of `seat`'s own terminal; the session's too while it holds the lease. */
  resize(seat: Seat, size: Size): void {
    this.#sizes.set(seat, size)
    if (this.#holder === seat) this.#resize(size)
  }

  /** How it stands, as told to `seat`. */
  seenBy(seat: Seat): LeaseFrame {
    return this.#holder === seat ? { held: true, holder: null } : { held: false, holder: this.holder }
  }

  #give(seat: Seat | null): void {
    this.#holder = seat
    this.#since = new Date().toISOString()
    for (const each of this.#sizes.keys()) each.onLease()
  }
}
