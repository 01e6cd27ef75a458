import type { ScreensError } from "../protocol/screens.ts"

/** A request that is refused: what the answer's `error` says. */
export class ScreensFailure extends Error {
  override readonly name = "ScreensFailure"
  readonly code: ScreensError["code"]

  constructor(code: ScreensError["code"], message: string) {
    super(message)
    this.code = code
  }
}

/** What anything that was thrown is as an answer. */
export const errorOf = (error: unknown): ScreensError =>
  error instanceof ScreensFailure
    ? { code: error.code, message: error.message }
    : { code: "internal", message: error instanceof Error ? error.message : String(error) }
