import xterm from "@xterm/headless"
import { readFileSync } from "node:fs"
import { startPty } from "../../../src/sessionhost/pty.ts"
import type { Addressee } from "../../../src/screens/submit/submit.ts"

export interface Run {
  readonly to: Addressee
  /** What the program said it was given, oldest first. */
  readonly messages: () => ReadonlyArray<string>
  readonly end: () => void
  /** Calls of `type`, in order. */
  readonly typed: ReadonlyArray<Buffer>
  activity: ReturnType<Addressee["activity"]>
  asking: string | null
}

/** A program under a terminal whose screen is known, to be given messages; it appends each to `file`, as a line of JSON. */
export const startAddressee = (
  command: readonly [string, ...Array<string>],
  file: string,
  size = { cols: 80, rows: 24 }
): Run => {
  const terminal = new xterm.Terminal({ ...size, allowProposedApi: true })
  const listeners = new Set<() => void>()
  const typed: Array<Buffer> = []
  const tell = () => listeners.forEach((listener) => listener())
  let ended = false
  const env = { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", HOB_SESSION_ID: file }
  const spec = { file: command[0], args: command.slice(1), cwd: "/", env, ...size, inputQueueBytes: 1024 * 1024 }
  const program = startPty(spec, {
    output: (_, chunk) => terminal.write(Buffer.from(chunk), tell),
    exited: () => {
      ended = true
      tell()
    },
    closed: () => {},
    inputDrained: () => {}
  })
  const { buffer } = terminal
  const run: Run = {
    activity: "unknown",
    asking: null,
    typed,
    messages: () => {
      try {
        const lines = readFileSync(file, "utf8").split("\n").slice(0, -1)
        return lines.map((line) => (JSON.parse(line) as { text: string }).text)
      } catch {
        return []
      }
    },
    end: () => program.signalAll("SIGKILL"),
    to: {
      view: () => ({
        lines: Array.from(
          { length: terminal.rows },
          (_, row) => buffer.active.getLine(buffer.active.baseY + row)?.translateToString(true) ?? ""
        ),
        cursor: { row: buffer.active.cursorY, column: buffer.active.cursorX },
        alternate: buffer.active.type === "alternate"
      }),
      bracketedPaste: () => terminal.modes.bracketedPasteMode,
      activity: () => run.activity,
      asking: () => run.asking,
      onChange: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      type: async (data) => {
        typed.push(data)
        return program.write(data) === "accepted"
      },
      queuedBytes: async () => program.queuedInputBytes,
      ended: () => ended
    }
  }
  return run
}
