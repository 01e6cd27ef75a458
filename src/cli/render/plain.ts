import { stripVTControlCharacters } from "node:util"

/** Lines longer than this are given out in pieces. */
const LONGEST_LINE_BYTES = 1024 * 1024

/**
 * A line of terminal output as it would read at the end: without escape sequences, and with what carriage returns,
 * backspaces and "erase to the end of the line" overwrote. Does not follow the cursor up and down.
 */
export const plainLine = (line: string): string => {
  // A line without control characters, as most are, but for the carriage return of its line end.
  // oxlint-disable-next-line no-control-regex
  if (!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(line.endsWith("\r") ? line.slice(0, -1) : line)) {
    return line.endsWith("\r") ? line.slice(0, -1) : line
  }
  const marked = line
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u000b\u000c]/g, "")
    // oxlint-disable-next-line no-control-regex
    .replace(/\u001b\[0?K/g, "\u000b")
    // oxlint-disable-next-line no-control-regex
    .replace(/\u001b\[2K/g, "\u000c")
  const cells: Array<string> = []
  let column = 0
  for (const character of stripVTControlCharacters(marked)) {
    if (character === "\r") column = 0
    else if (character === "\b") column = Math.max(0, column - 1)
    else if (character === "\u000b") cells.length = Math.min(cells.length, column)
    else if (character === "\u000c") cells.fill(" ")
    // oxlint-disable-next-line no-control-regex
    else if (character === "\t" || !/[\u0000-\u001f\u007f-\u009f]/.test(character)) {
      while (cells.length < column) cells.push(" ")
      cells[column++] = character
    }
  }
  return cells.join("").trimEnd()
}

/** Turns output into plain lines as it comes. A line is given out when it is complete: only then is it known how it reads. */
export class PlainText {
  #parts: Array<Buffer> = []
  #bytes = 0

  push(chunk: Buffer): string {
    let text = ""
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end))
      text += `${this.#take()}\n`
      from = end + 1
    }
    this.#keep(chunk.subarray(from))
    if (this.#bytes > LONGEST_LINE_BYTES) text += this.#take()
    return text
  }

  /** What is left when no more comes. */
  end(): string {
    return this.#bytes === 0 ? "" : `${this.#take()}\n`
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#parts.push(part)
    this.#bytes += part.length
  }

  #take(): string {
    const line = Buffer.concat(this.#parts, this.#bytes).toString("utf8")
    this.#parts = []
    this.#bytes = 0
    return plainLine(line)
  }
}
