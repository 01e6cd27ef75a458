import type { Broker, Missing } from "./Broker.ts"
import type { Cursor } from "./Cursor.ts"
import type { Listener } from "./Directory.ts"
import type { Format, Party, Run, Text } from "./Event.ts"

/** Where a subscriber's events go: what a door gives for it. */
export interface Pipe {
  readonly write: (text: Text) => void
  /** More waits for the client than may: nothing more is written until `whenWritable` calls back. */
  readonly isBlocked: () => boolean
  readonly whenWritable: (go: () => void) => void
}

export interface FeedOptions {
  readonly broker: Broker
  readonly party: Party
  readonly pipe: Pipe
  /** How events are written. Subscribers of one door give the same one: its texts are then made once for all of them. */
  readonly format: Format
  /** How those are written that a replay sends, where a door tells them apart. */
  readonly replayFormat?: Format
  /** Events that were published behind this position and may be missing: told before what follows. */
  readonly onGap: (after: number, missing: Missing) => void
  /** It is cut off: more than `bufferBytes` wait for it. The feed is closed. */
  readonly onTooSlow: (last: number) => void
  readonly bufferBytes: () => number
}

/** What is kept, on its way to the subscriber. */
interface Replay {
  readonly cursor: Cursor
  readonly onEnd: (() => void) | undefined
}

/** Events that are read from the windows at a time. */
const PAGE = 256

/**
 * One subscriber: its patterns, and what it has yet to be sent. It is written to while its client reads; what comes
 * meanwhile waits, shared with everybody else's, up to a bound at which this one is cut off. A replay goes through the
 * same way: what is published while it lasts waits behind it.
 */
export class Feed implements Listener {
  readonly party: Party
  readonly patterns = new Set<string>()
  readonly #options: FeedOptions
  /** The last event that was sent, or the one behind which it began. */
  #last = 0
  #backlog: Array<Run> = []
  /** So many at its beginning have been sent. */
  #sent = 0
  #backlogBytes = 0
  /** Up to where the windows are read; undefined when they have been. */
  #replay: Replay | undefined
  #isWaiting = false
  #isClosed = false

  constructor(options: FeedOptions) {
    this.#options = options
    this.party = options.party
  }

  /** Begins to listen; a pattern that it has already changes nothing. */
  add(pattern: string): void {
    if (this.#isClosed || this.patterns.has(pattern)) return
    const { broker } = this.#options
    if (this.patterns.size === 0) this.#last = broker.handedOn
    this.patterns.add(pattern)
    this.party.patterns++
    broker.subscribe(this, pattern)
  }

  /** The position behind which it hears everything. */
  get position(): number {
    return this.#last
  }

  /**
   * Sends what is kept of these patterns from behind `after` on, before anything newer. To be called in the turn in
   * which they were added; a gap is told at once. `onEnd` is called behind what was kept, before anything newer is
   * sent; not if the feed is closed meanwhile.
   */
  replay(patterns: ReadonlySet<string>, after: number, onEnd?: () => void): void {
    const { broker, onGap } = this.#options
    const through = broker.handedOn
    this.#last = after
    const missing = broker.missing(patterns, after)
    if (missing !== undefined) {
      if (missing.reason === "unknown") this.#last = missing.through
      onGap(after, missing)
    }
    if (this.#isClosed) return
    this.#replay = { cursor: broker.cursor(patterns, this.#last, through), onEnd }
    this.#pump()
  }

  remove(pattern: string): boolean {
    if (!this.patterns.delete(pattern)) return false
    this.party.patterns--
    const { broker } = this.#options
    broker.unsubscribe(this, pattern)
    if (this.patterns.size === 0) broker.leave(this)
    return true
  }

  hear(run: Run): void {
    if (this.#isClosed) return
    const { bufferBytes, pipe } = this.#options
    if (this.#backlog.length === 0 && this.#replay === undefined && !pipe.isBlocked()) return this.#send(run)
    if (this.#sent > 0 && this.#sent * 2 > this.#backlog.length) {
      this.#backlog = this.#backlog.slice(this.#sent)
      this.#sent = 0
    }
    this.#backlog.push(run)
    this.#backlogBytes += run.bytes
    if (this.#backlogBytes > bufferBytes()) {
      const last = this.#last
      this.close()
      return this.#options.onTooSlow(last)
    }
    this.#wait()
  }

  close(): void {
    if (this.#isClosed) return
    for (const pattern of this.patterns) this.remove(pattern)
    this.#isClosed = true
    this.#backlog = []
    this.#replay = undefined
  }

  #send(run: Run): void {
    this.#last = run.last
    this.#options.pipe.write(run.text(this.#options.format))
  }

  #pump(): void {
    const { pipe } = this.#options
    while (!this.#isClosed && !pipe.isBlocked()) {
      if (this.#replay !== undefined) this.#readPage(this.#replay)
      else {
        const run = this.#backlog[this.#sent++]
        if (run === undefined) {
          this.#backlog = []
          this.#sent = 0
          return
        }
        this.#backlogBytes -= run.bytes
        this.#send(run)
      }
    }
    if (!this.#isClosed) this.#wait()
  }

  #readPage({ cursor, onEnd }: Replay): void {
    const { format, onGap, pipe, replayFormat = format } = this.#options
    const page = cursor.read(PAGE)
    // While its client did not read, the windows have gone past it.
    if (page.type === "gone") return onGap(this.#last, { reason: "window", through: page.through })
    const last = page.events.at(-1)
    if (last === undefined) {
      this.#replay = undefined
      return onEnd?.()
    }
    this.#last = last.position
    pipe.write(replayFormat(page.events))
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#options.pipe.whenWritable(() => {
      this.#isWaiting = false
      this.#pump()
    })
  }
}
