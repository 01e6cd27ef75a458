/** A session's output as bytes. What can't be had is never skipped in silence: the answer breaks off there. */
import type { ServerResponse } from "node:http"
import type { OutputChunk } from "../../protocol/sessions.ts"
import type { Reply } from "../../wire/http/messages.ts"
import { failureReply } from "./answers.ts"
import { NativeCall } from "./NativeCall.ts"

export interface OutputStreamOptions {
  readonly params: {
    readonly session: string
    readonly since?: number
    readonly tail?: number
    readonly follow: boolean
  }
  readonly response: ServerResponse
  readonly headers: Readonly<Record<string, string>>
  readonly refuse: (reply: Reply) => void
  readonly closed: () => void
}

/** The output of one session to one reader: from the first byte that there is, told in a header, without a hole. */
export class OutputStream {
  readonly call: NativeCall
  readonly #options: OutputStreamOptions
  #offset: number | undefined
  #isOpen = false

  constructor(options: OutputStreamOptions) {
    this.#options = options
    const { response } = options
    this.call = new NativeCall("sessions.output", options.params, {
      values: (chunks: ReadonlyArray<OutputChunk>, done) => {
        for (const { data, gap, offset } of chunks) {
          if (gap > 0 && this.#isOpen) {
            // Its reader knows how much it has: it asks again from there, and hears where it goes on.
            response.destroy()
            return done()
          }
          this.#offset = this.#isOpen ? this.#offset : offset
          if (data === "") continue
          this.#open()
          response.write(Buffer.from(data, "base64"))
        }
        if (options.params.follow) this.#open()
        if (response.writableNeedDrain) response.once("drain", done)
        else done()
      },
      ended: (failure) => {
        if (failure === null) {
          this.#open()
          return void response.end()
        }
        if (this.#isOpen) response.destroy()
        else options.refuse(failureReply(failure))
      }
    })
    response.on("close", () => {
      this.call.cancel()
      options.closed()
    })
  }

  end(): void {
    this.call.cancel()
    this.#options.response.destroy()
  }

  ping(): void {}

  #open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const { headers, response } = this.#options
    response.writeHead(200, {
      ...headers,
      "content-type": "application/octet-stream",
      "x-hob-offset": String(this.#offset ?? 0)
    })
    response.flushHeaders()
  }
}
