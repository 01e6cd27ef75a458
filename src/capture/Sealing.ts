import { StorageFailed } from "../protocol/storage.ts"
import { KeyUnusable, readKey, readOrMakeKey } from "./keyFile.ts"
import { makeSeal, type Seal } from "./seal.ts"

/** The seal as the setting says: on, off, or unusable, and then nothing is written down. */
export class Sealing implements Seal {
  readonly #path: string
  #seal: Seal = makeSeal(null)
  #problem: StorageFailed | null = null

  constructor(path: string, isOn: boolean) {
    this.#path = path
    this.set(isOn)
  }

  /** Why nothing may be written down; null when it may. */
  get problem(): StorageFailed | null {
    return this.#problem
  }

  /** What was sealed before can be opened whichever it is. */
  set(isOn: boolean): void {
    this.#problem = null
    try {
      this.#seal = makeSeal(isOn ? readOrMakeKey(this.#path) : readKey(this.#path), isOn)
    } catch (error) {
      if (!(error instanceof KeyUnusable)) throw error
      this.#seal = makeSeal(null)
      if (isOn) this.#problem = new StorageFailed({ path: "capture.encrypt", reason: error.message })
    }
  }

  readonly close = (text: string, name: string): string | Uint8Array => this.#seal.close(text, name)
  readonly open = (body: string | Uint8Array, name: string): string | null => this.#seal.open(body, name)
}
