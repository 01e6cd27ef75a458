import type { SessionId } from "../protocol/ids.ts"
import { Feed } from "./Feed.ts"
import type { HostConnection } from "./HostConnection.ts"
import type { Turns, Worker } from "./Turns.ts"

/** One turn takes at most this much of a session's output. */
const SLICE_BYTES = 64 * 1024

/** One session under a terminal: follows its output from where it stands. */
export class Keeper implements Worker {
  readonly id: SessionId
  readonly #feed: Feed
  #position = 0
  #complete = false

  constructor(id: SessionId, { host, turns }: { readonly host: HostConnection; readonly turns: Turns }) {
    this.id = id
    this.#feed = new Feed(host, id, 0, () => turns.add(this))
  }

  /** Output up to here has been taken. */
  get position(): number {
    return this.#position
  }

  /** The session has closed, and all of its output has been taken. */
  get complete(): boolean {
    return this.#complete
  }

  work(): boolean {
    const item = this.#feed.take(SLICE_BYTES)
    if (item?.type === "bytes") this.#position = item.offset + item.data.length
    if (item?.type === "gap") this.#position = item.to
    if (item?.type === "end") this.#complete = true
    return !this.#feed.empty
  }

  close(): void {
    this.#feed.close()
  }
}
