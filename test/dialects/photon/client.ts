/** A client of photon that shares nothing with hob: it looks for the socket where photon's does, and says and hears lines. */
import { connect, type Socket } from "node:net"
import { join } from "node:path"

export type Heard = { readonly type: string; readonly id: string } & Readonly<Record<string, any>>

/** A connection that stays open. */
export class Conversation {
  readonly socket: Socket
  /** Everything that was heard, byte for byte. */
  text = ""
  ended = false
  #changed: () => void = () => {}
  #taken = 0
  #split: { readonly text: string; readonly lines: ReadonlyArray<string> } = { text: "", lines: [] }

  constructor(socket: Socket) {
    this.socket = socket
    socket.on("data", (chunk) => {
      this.text += String(chunk)
      this.#changed()
    })
    const end = () => {
      this.ended = true
      this.#changed()
    }
    socket.on("end", end).on("close", end).on("error", end)
  }

  get lines(): ReadonlyArray<string> {
    const { text } = this
    // Asked for again and again, of megabytes.
    if (this.#split.text !== text) this.#split = { text, lines: text.split("\n").slice(0, -1) }
    return this.#split.lines
  }

  say(...requests: ReadonlyArray<object | string>): this {
    this.socket.write(requests.map((it) => `${typeof it === "string" ? it : JSON.stringify(it)}\n`).join(""))
    return this
  }

  async until(check: () => boolean): Promise<void> {
    while (!check()) {
      if (this.ended) throw new Error(`it was hung up on; heard:\n${this.text.slice(-2000)}`)
      await new Promise<void>((resolve) => (this.#changed = resolve))
    }
  }

  /** The next line. */
  async line(): Promise<string> {
    const at = this.#taken++
    await this.until(() => this.lines.length > at)
    return this.lines[at]!
  }

  async hear(): Promise<Heard> {
    return JSON.parse(await this.line()) as Heard
  }

  /** Says something and gives the next line, which is to be its answer. */
  async ask(request: object | string): Promise<Heard> {
    this.say(request)
    return this.hear()
  }

  async untilEnded(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => (this.#changed = resolve))
  }
}

export class Client {
  readonly path: string

  constructor(home: string, name: string) {
    this.path = join(home, ".photon", "daemons", `${name}.sock`)
  }

  open(options: { readonly allowHalfOpen?: boolean } = {}): Promise<Conversation> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path: this.path, ...options })
      socket.once("error", reject)
      socket.once("connect", () => {
        socket.off("error", reject)
        resolve(new Conversation(socket))
      })
    })
  }

  /** One request on a connection of its own, as photon's client does; what is answered, byte for byte. */
  async once(request: object | string): Promise<string> {
    const conversation = await this.open()
    const line = await conversation.say(request).line()
    conversation.socket.destroy()
    return line
  }

  /** The same, and the data of the answer. */
  async ask(request: object): Promise<any> {
    const heard = JSON.parse(await this.once(request)) as Heard
    if (heard.type === "error") throw new Error(heard["error"])
    return heard["data"]
  }

  /** A connection that is subscribed. */
  async subscribe(channel: string, extra: object = {}): Promise<Conversation> {
    const conversation = await this.open()
    const heard = await conversation.ask({ type: "subscribe", id: "sub", channel, ...extra })
    if (heard.type !== "result") throw new Error(JSON.stringify(heard))
    return conversation
  }
}
