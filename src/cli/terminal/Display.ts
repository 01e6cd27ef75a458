import type { GapFrame, OpenedFrame } from "../../protocol/sessionHost.ts"
import type { ScreenFrame, Size } from "./stream.ts"

/** Shows a session's bytes in the reader's terminal. */
export interface Display {
  /** The host has said what comes; `again` after the connection was lost. */
  readonly opened: (frame: OpenedFrame, again: boolean) => void
  readonly output: (data: Buffer, offset: number) => void
  readonly gap: (gap: GapFrame) => void
  readonly screen: (screen: ScreenFrame) => void
  /** The session's terminal has this size from now on. */
  readonly resized: (size: Size) => void
  /** The reader's terminal has another size. */
  readonly terminalResized: () => void
  /** Something else was drawn in the reader's terminal: it has to be drawn anew. */
  readonly disturbed: () => void
  /** A line for the reader, to be seen until it is taken away with null. */
  readonly notice: (text: string | null) => void
  /** The connection was lost, to be said until it is opened again. */
  readonly lost: (text: string) => void
  /** The reader's terminal takes more. */
  readonly drained: () => void
  readonly close: () => void
}
