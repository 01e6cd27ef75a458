/** An emulator with everything it tells written down. */
import { Emulator } from "../../../src/terminal/Emulator.ts"
import type { LeftLine } from "../../../src/terminal/leaving.ts"
import { stateOf } from "../state.ts"
import type { Given, Size } from "./streams.ts"

export class Watched {
  readonly emulator: Emulator
  replies: Array<readonly [data: string, offset: number]> = []
  lines: Array<LeftLine> = []
  /** What was written and had no effect yet. */
  pending: Uint8Array = new Uint8Array(0)

  constructor(emulator: Emulator) {
    this.emulator = emulator
    emulator.onReply((data, offset) => this.replies.push([data, offset]))
    emulator.onLines((lines) => this.lines.push(...lines))
  }

  static fresh({ cols, rows }: Size, scrollback: number): Watched {
    return new Watched(new Emulator({ cols, rows, scrollback }))
  }

  give(items: ReadonlyArray<Given>): this {
    for (const item of items) {
      if (item instanceof Uint8Array) {
        this.emulator.write(item)
        const recent = Buffer.concat([this.pending, item])
        this.pending = recent.subarray(recent.length - this.emulator.pendingBytes)
      } else this.emulator.resize(item.cols, item.rows)
    }
    return this
  }

  /** What is told from now on. */
  listen(): void {
    this.replies = []
    this.lines = []
  }

  state() {
    return stateOf(this.emulator)
  }
}
