import { Effect } from "effect"
import type { CaptureMetadata } from "../protocol/captureEntries.ts"
import type { Mask, MaskOptions, Masked } from "../masking/mask.ts"
import { EnvValues } from "../masking/envValues.ts"
import { cutWhole, lookedAt } from "./cut.ts"

/** A text as it may be stored. */
export interface Stored {
  readonly text: string
  readonly cutBytes: number
  readonly masked: number
}

/** What takes secrets out of texts: the rules are loaded with the first text, and made anew with new patterns. */
export class Masks {
  readonly #env = new EnvValues()
  #loading: Promise<typeof import("../masking/mask.ts")> | undefined
  #make: ((options: MaskOptions) => Mask) | undefined
  #mask: Mask | undefined
  #patterns: ReadonlyArray<string>

  constructor(patterns: ReadonlyArray<string>) {
    this.#patterns = patterns
  }

  setPatterns(patterns: ReadonlyArray<string>): void {
    const isNew = patterns.join("\0") !== this.#patterns.join("\0")
    this.#patterns = patterns
    if (isNew) this.#mask = this.#make?.({ patterns })
  }

  /** See {@link load}. */
  get isLoaded(): boolean {
    return this.#mask !== undefined
  }

  /** Once this has ended, {@link store} can be used. Without the rules nothing may be stored: then it dies. */
  readonly load: Effect.Effect<void> = Effect.promise(async () => {
    this.#loading ??= import("../masking/mask.ts")
    this.#make = (await this.#loading).makeMask
    this.#mask ??= this.#make({ patterns: this.#patterns })
  })

  /** What a program says of itself, without secrets. */
  readonly metadata = (metadata: CaptureMetadata, root: string | null, now: number): CaptureMetadata => {
    const masked = (text: string) => this.#mask!(text.toWellFormed(), this.#env.of(root, now)).text
    const of = (value: CaptureMetadata[string]): CaptureMetadata[string] =>
      typeof value === "string" ? masked(value) : Array.isArray(value) ? value.map(masked) : value
    return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, of(value)]))
  }

  /** A text without secrets and not longer than `limit` bytes. `root` is the work tree whose `.env` values count. */
  readonly store = (text: string, limit: number, root: string | null, now: number): Stored => {
    const { behindBytes, text: beginning } = lookedAt(text, limit)
    const masked: Masked = this.#mask!(beginning, this.#env.of(root, now))
    const { cutBytes, text: cut } = cutWhole(masked.text, behindBytes, limit)
    return { text: cut, cutBytes, masked: masked.count }
  }
}
