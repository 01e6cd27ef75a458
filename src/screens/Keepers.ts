import type { SessionId } from "../protocol/ids.ts"
import type { HostSession } from "../protocol/sessionHost.ts"
import { Refused } from "./HostConnection.ts"
import { Keeper, type KeeperOptions } from "./Keeper.ts"
import { ScreensFailure } from "./ScreensFailure.ts"

/** A session that has ended is forgotten when nobody has asked for it for so long. */
const FORGET_MILLIS = 60_000
/** What was printed before a question was asked is taken before it is answered, unless that takes longer. */
export const REACH_MILLIS = 2_000
/** All of its output may have to be taken, for a session that has ended, or when this process was not there from its start. */
const REACH_ALL_MILLIS = 120_000

/** The keepers of sessions: of those that the host holds, and of those that somebody asks about. */
export class Keepers {
  readonly #options: KeeperOptions
  readonly #held = new Map<SessionId, Keeper>()
  readonly #ended = new Map<SessionId, Keeper>()
  #forget: NodeJS.Timeout | null = null

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Those of running sessions. */
  get held(): IterableIterator<Keeper> {
    return this.#held.values()
  }

  /** The title of a session that the host holds; null when its program gave none. */
  title(id: SessionId): string | null {
    return this.#held.get(id)?.title ?? null
  }

  /** A session that the host holds. Returns its keeper when it is new and has a terminal. */
  add(session: HostSession): Keeper | null {
    if (session.kind !== "pty" || this.#held.has(session.id)) return null
    const keeper = new Keeper(session, true, this.#options)
    this.#held.set(session.id, keeper)
    return keeper
  }

  exited(id: SessionId): void {
    this.#held.get(id)?.programEnded()
  }

  /** The session has closed: what it printed last may still be on its way. */
  closed(id: SessionId): void {
    const keeper = this.#held.get(id)
    if (keeper === undefined) return
    keeper.programEnded()
    this.#held.delete(id)
    this.#ended.set(id, keeper)
    this.#forgetLater()
  }

  /** The session's directory is being deleted. */
  removed(id: SessionId): void {
    for (const keepers of [this.#held, this.#ended]) {
      keepers.get(id)?.close({ forget: true })
      keepers.delete(id)
    }
  }

  /**
   * The keeper of a session under a terminal, running or not, up to date; rejects with {@link ScreensFailure}. With a
   * `reachMillis` also one of a running session that is still being had again from its log.
   */
  async get(id: SessionId, reachMillis?: number): Promise<Keeper> {
    const session = await this.#inspect(id)
    if (session.kind !== "pty") {
      throw new ScreensFailure("no-terminal", `Session ${id} is on pipes: it has no screen.`)
    }
    const held = this.#held.get(id)
    const keeper = held ?? this.#endedKeeper(session)
    const within = reachMillis ?? this.#options.reachMillis ?? REACH_MILLIS
    const old = held === undefined ? session.output.end : keeper.printedBefore
    const replayed = held === undefined || reachMillis === undefined
    if (replayed && keeper.position < old) await keeper.reach(old, REACH_ALL_MILLIS)
    await keeper.reach(session.output.end, within)
    return keeper
  }

  /** The keeper of a session that the host holds, when output up to `head` is taken or the time is over; null if it holds none. */
  at(id: SessionId, head: number, reachMillis: number): Promise<Keeper> | null {
    const keeper = this.#held.get(id)
    return keeper === undefined ? null : keeper.reach(head, reachMillis).then(() => keeper)
  }

  close(): void {
    if (this.#forget !== null) clearTimeout(this.#forget)
    for (const keepers of [this.#held, this.#ended]) {
      for (const keeper of keepers.values()) keeper.close()
      keepers.clear()
    }
  }

  async #inspect(id: SessionId): Promise<HostSession> {
    try {
      return await this.#options.host.inspect(id)
    } catch (error) {
      const unknown = error instanceof Refused && error.code === "unknown-session"
      throw unknown ? new ScreensFailure("unknown-session", `There is no session ${id}.`) : error
    }
  }

  #endedKeeper(session: HostSession): Keeper {
    const found = this.#ended.get(session.id)
    if (found !== undefined) return found
    const keeper = new Keeper(session, false, this.#options)
    this.#ended.set(session.id, keeper)
    this.#forgetLater()
    return keeper
  }

  #forgetLater(): void {
    this.#forget ??= setTimeout(() => {
      this.#forget = null
      for (const [id, keeper] of this.#ended) {
        if (performance.now() - keeper.usedAt < FORGET_MILLIS || !keeper.complete) continue
        keeper.close()
        this.#ended.delete(id)
      }
      if (this.#ended.size > 0) this.#forgetLater()
    }, FORGET_MILLIS)
  }
}
