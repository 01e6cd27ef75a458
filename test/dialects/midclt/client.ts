/** A client of midclt's daemon that shares nothing with hob: it looks for the socket where midclt does, asks as it does and checks what it checks. */
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { join } from "node:path"

/** One request and the lines that answer it. */
export class Exchange {
  readonly socket: Socket
  /** Everything that was heard, byte for byte. */
  text = ""
  readonly closed: Promise<void>

  constructor(path: string, options: { readonly allowHalfOpen?: boolean } = {}) {
    this.socket = connect({ path, ...options })
    this.socket.on("data", (chunk) => void (this.text += chunk.toString("utf8")))
    this.socket.on("error", () => undefined)
    this.closed = new Promise((resolve) => this.socket.on("close", () => resolve()))
  }

  say(request: string | object): this {
    this.socket.write(typeof request === "string" ? request : `${JSON.stringify(request)}\n`)
    return this
  }

  /** Waits until so many lines were heard. */
  async heard(lines: number): Promise<ReadonlyArray<string>> {
    while (this.lines.length < lines) {
      if (this.socket.destroyed) throw new Error(`it was hung up on; heard:\n${this.text.slice(-2000)}`)
      await new Promise((resolve) => this.socket.once("data", resolve).once("close", resolve))
    }
    return this.lines
  }

  get lines(): ReadonlyArray<string> {
    return this.text.split("\n").slice(0, -1)
  }
}

export class Client {
  readonly path: string
  readonly pidFile: string

  constructor(home: string, uri: string | null, user: string | null) {
    const id =
      uri === null
        ? "local"
        : createHash("sha256")
            .update(user === null ? uri : `${uri}:${user}`)
            .digest("hex")
            .slice(0, 12)
    this.path = join(home, ".midclt", `daemon-${id}.sock`)
    this.pidFile = join(home, ".midclt", `daemon-${id}.pid`)
  }

  open(options?: { readonly allowHalfOpen?: boolean }): Exchange {
    return new Exchange(this.path, options)
  }

  /** As midclt looks before each request: a pid file names a process that lives, and somebody accepts; nothing is said. */
  async isRunning(): Promise<boolean> {
    if (!existsSync(this.path)) return false
    if (existsSync(this.pidFile)) {
      try {
        process.kill(Number(readFileSync(this.pidFile, "utf8").trim()), 0)
      } catch {
        return false
      }
    }
    return new Promise((resolve) => {
      const socket = connect(this.path)
      socket.on("connect", () => {
        socket.destroy()
        resolve(true)
      })
      socket.on("error", () => resolve(false))
    })
  }

  /** Says something and gives all that is answered, until it is hung up. */
  async ask(request: string | object): Promise<ReadonlyArray<string>> {
    if (!(await this.isRunning())) throw new Error(`nobody listens at ${this.path}`)
    const exchange = this.open().say(request)
    await exchange.closed
    return exchange.lines
  }

  /** The last line of it. */
  async call(method: string, params: ReadonlyArray<unknown> = [], kwargs: object = {}): Promise<any> {
    return JSON.parse((await this.ask({ command: "call", method, params, kwargs })).at(-1) ?? "null")
  }
}
