import { existsSync } from "node:fs"
import type { ExitFile } from "../protocol/sessionHost.ts"
import { writeExitFile } from "./sessionFiles.ts"

const FIRST_RETRY_MILLIS = 1_000
const LAST_RETRY_MILLIS = 60_000
/** A directory that is gone may be on a mount that comes back; one that was not there for so many tries was deleted. */
const TRIES_WITHOUT_DIRECTORY = 3

/**
 * A session's end on its way to the disk: tried again, ever more rarely, until it is there or nobody wants it any more:
 * it is abandoned, or the session's directory is gone.
 */
export class ExitRecord {
  /** Whether the first try put it there. */
  readonly firstTry: Promise<boolean>
  /** Resolves when it is there, or nobody wants it any more. */
  readonly done: Promise<void>
  readonly #directory: string
  readonly #file: ExitFile
  readonly #failed: (error: unknown) => void
  #abandoned = false
  #triesWithoutDirectory = 0
  #wake: (() => void) | null = null

  /** `failed` is called for each try that did not work. */
  constructor(directory: string, file: ExitFile, failed: (error: unknown) => void) {
    this.#directory = directory
    this.#file = file
    this.#failed = failed
    this.firstTry = this.#try()
    this.done = this.#untilDone()
  }

  /** Tries no more; resolves when no try is under way. */
  abandon(): Promise<void> {
    this.#abandoned = true
    this.#wake?.()
    return this.done
  }

  async #untilDone(): Promise<void> {
    let written = await this.firstTry
    for (let delay = FIRST_RETRY_MILLIS; !written && this.#isWanted; delay = Math.min(delay * 2, LAST_RETRY_MILLIS)) {
      await this.#pause(delay)
      if (!this.#abandoned) written = await this.#try()
    }
  }

  get #isWanted(): boolean {
    return !this.#abandoned && this.#triesWithoutDirectory < TRIES_WITHOUT_DIRECTORY
  }

  async #try(): Promise<boolean> {
    try {
      await writeExitFile(this.#directory, this.#file)
      return true
    } catch (error) {
      this.#triesWithoutDirectory = existsSync(this.#directory) ? 0 : this.#triesWithoutDirectory + 1
      this.#failed(error)
      return false
    }
  }

  #pause(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, millis)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
