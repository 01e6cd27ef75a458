/** Streams of the bare client, on their way from the socket to who reads them. */

/** A piece of a stream: its values, and the line they came on, in which they are the elements of `result`. */
export interface Chunk {
  readonly values: ReadonlyArray<unknown>
  readonly line: string
}

/** What a stream has brought and nobody has taken yet. */
export class Chunks {
  readonly #signal: AbortSignal | undefined
  #held: Array<Chunk> = []
  #ended: { readonly error: Error | undefined } | undefined
  #wake = nothing

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
  }

  readonly chunk = (chunk: Chunk): void => {
    this.#held.push(chunk)
    this.#wake()
  }

  readonly end = (error: Error | undefined): void => {
    this.#ended ??= { error }
    this.#wake()
  }

  /** All of them, in order; throws what the stream ended with. */
  async *all(): AsyncGenerator<Chunk> {
    const abort = () => this.end(abortReason(this.#signal))
    if (this.#signal?.aborted) abort()
    else this.#signal?.addEventListener("abort", abort)
    try {
      for (;;) {
        const taken = this.#held
        this.#held = []
        for (const chunk of taken) {
          if (this.#signal?.aborted) throw abortReason(this.#signal)
          yield chunk
        }
        if (this.#held.length > 0) continue
        if (this.#ended?.error !== undefined) throw this.#ended.error
        if (this.#ended !== undefined) return
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.#signal?.removeEventListener("abort", abort)
    }
  }
}

const nothing = (): void => {}

/** Why a call was given up. */
export const abortReason = (signal: AbortSignal | undefined): Error => {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error("The call was aborted.")
}
