import type { Socket } from "node:net"
import { LineReader } from "../../src/wire/lines.ts"

/** Lines over a Unix socket, those of one turn in one write. */
export class Lines {
  readonly socket: Socket
  #text = ""

  constructor(socket: Socket, heard: (line: string) => void) {
    this.socket = socket
    const reader = new LineReader({ lineBytes: Infinity, depth: Infinity })
    socket.on("data", (chunk: Buffer) => {
      reader.push(chunk)
      for (let line = reader.next(); line !== undefined; line = reader.next()) heard(line as string)
    })
  }

  write(line: string): void {
    if (this.#text === "") queueMicrotask(() => this.flush())
    this.#text += line
    if (this.#text.length > 64 * 1024) this.flush()
  }

  flush(): void {
    const text = this.#text
    this.#text = ""
    if (text !== "") this.socket.write(text)
  }

  get drained(): Promise<unknown> | undefined {
    return this.socket.writableNeedDrain ? new Promise((resolve) => this.socket.once("drain", resolve)) : undefined
  }
}
