import type { SessionId } from "../protocol/ids.ts"
import type { Keeper } from "./Keeper.ts"

/** Programs draw their progress into their title: what comes more often than this is told at the end of it. */
const APART_MILLIS = 1_000

/** Tells the titles that programs give their terminals, each change of them, but not all too often. */
export class Titles {
  readonly #announce: (session: SessionId, title: string) => void
  readonly #told = new Map<SessionId, string>()
  readonly #waiting = new Map<SessionId, NodeJS.Timeout>()

  constructor(announce: (session: SessionId, title: string) => void) {
    this.#announce = announce
  }

  watch(keeper: Keeper): void {
    this.#told.set(keeper.id, keeper.title ?? "")
    keeper.listen({ sign: ({ sign }) => sign === "title" && this.#look(keeper) })
  }

  forget(id: SessionId): void {
    clearTimeout(this.#waiting.get(id))
    this.#waiting.delete(id)
    this.#told.delete(id)
  }

  close(): void {
    for (const id of this.#told.keys()) this.forget(id)
  }

  #look(keeper: Keeper): void {
    const { id } = keeper
    const title = keeper.title ?? ""
    if (this.#waiting.has(id) || !this.#told.has(id) || this.#told.get(id) === title) return
    this.#told.set(id, title)
    this.#announce(id, title)
    const again = () => {
      this.#waiting.delete(id)
      this.#look(keeper)
    }
    this.#waiting.set(id, setTimeout(again, APART_MILLIS))
  }
}
