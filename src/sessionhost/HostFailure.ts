import type { HostError } from "../protocol/sessionHost.ts"

/** A request that is refused: what the reply's `error` says. */
export class HostFailure extends Error {
  override readonly name = "HostFailure"
  readonly error: HostError

  constructor(error: HostError) {
    super(error.message)
    this.error = error
  }
}

export const badRequest = (message: string) => new HostFailure({ code: "bad-request", message })
export const unknownSession = (id: string) =>
  new HostFailure({ code: "unknown-session", message: `there is no session ${id}` })
export const ended = (id: string) => new HostFailure({ code: "ended", message: `session ${id} has ended` })
export const running = (message: string) => new HostFailure({ code: "running", message })
