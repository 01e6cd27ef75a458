import { Result, Schema } from "effect"
import type { SessionId } from "../protocol/ids.ts"
import { type ScreensAsk, type ScreensError, ScreensRequest } from "../protocol/screens.ts"
import type { HostEvent, HostSession } from "../protocol/sessionHost.ts"
import type { HostConnection } from "./HostConnection.ts"
import { Keeper } from "./Keeper.ts"
import { Turns, type Worker } from "./Turns.ts"

export interface ScreensOptions {
  readonly host: HostConnection
  /** The directory of session directories. */
  readonly directory: string
  readonly log: (message: string) => void
}

const decodeRequest = Schema.decodeUnknownResult(ScreensRequest)

/** Every session under a terminal that the host holds, and what is asked about them. */
export class Screens {
  readonly #options: ScreensOptions
  readonly #keepers = new Map<SessionId, Keeper>()
  readonly #turns: Turns

  constructor(options: ScreensOptions) {
    this.#options = options
    this.#turns = new Turns((worker, error) => this.#onFailed(worker, error))
  }

  /** Takes up the sessions that are there. Rejects when the host does not know this process. */
  async start(): Promise<void> {
    const { host } = this.#options
    const sessions = await host.hello({ event: (event) => this.#onEvent(event), ask: (ask) => this.#onAsk(ask) })
    for (const session of sessions) this.#keep(session)
  }

  close(): void {
    for (const keeper of this.#keepers.values()) keeper.close()
    this.#keepers.clear()
  }

  #keep(session: HostSession): void {
    if (session.kind !== "pty" || this.#keepers.has(session.id)) return
    this.#keepers.set(session.id, new Keeper(session.id, { host: this.#options.host, turns: this.#turns }))
  }

  #onEvent({ event, session }: HostEvent): void {
    if (event === "started") return this.#keep(session)
    if (event !== "closed" && event !== "removed") return
    this.#keepers.get(session.id)?.close()
    this.#keepers.delete(session.id)
  }

  #onFailed(worker: Worker, error: unknown): void {
    this.#options.log(`a session's output could not be taken: ${error instanceof Error ? error.stack : String(error)}`)
    if (worker instanceof Keeper) worker.close()
  }

  #onAsk(ask: ScreensAsk): void {
    if ("snapshot" in ask) return this.#options.host.snapshot(ask.snapshot, null)
    if ("cancel" in ask) return
    const request = decodeRequest(ask.request)
    const error: ScreensError = Result.isFailure(request)
      ? { code: "bad-request", message: request.failure.message }
      : { code: "internal", message: `this screens process can't answer "${request.success.op}"` }
    this.#options.host.answer({ answer: ask.ask, error })
  }
}
