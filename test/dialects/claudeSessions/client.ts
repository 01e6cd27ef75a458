/**
 * A client of claude-sessions that shares nothing with hob: it looks for the socket as its command line does, says one
 * line on a connection, reads one, and takes each answer only where its command line would.
 */
import { existsSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"

export interface Info {
  readonly id: string
  readonly working_dir: string
  readonly created_at: string
  readonly status: string
  readonly log_path: string
}

export type Answer = { readonly type: string } & Readonly<Record<string, unknown>>

export interface Line {
  readonly timestamp: string
  readonly session_id: string
  readonly direction: "input" | "output"
  readonly data: string
  readonly size: number
}

export class Client {
  readonly socket: string

  constructor(home: string) {
    this.socket = join(home, ".claude-sessions", "daemon.sock")
  }

  /** As its command line finds it out, before anything else. */
  isDaemonRunning(): boolean {
    return existsSync(this.socket)
  }

  /** What is answered to a line, byte for byte; `""` when the connection is closed without an answer. */
  say(line: string | Buffer, options: { readonly half?: boolean } = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.socket)
      const heard: Array<Buffer> = []
      socket.on("connect", () => (options.half === true ? socket.end(line) : socket.write(line)))
      socket.on("data", (chunk) => heard.push(Buffer.from(chunk)))
      socket.on("error", reject)
      socket.on("close", () => resolve(Buffer.concat(heard).toString()))
    })
  }

  async ask(request: object): Promise<Answer> {
    if (!this.isDaemonRunning()) throw new Error("Daemon is not running")
    const heard = await this.say(`${JSON.stringify(request)}\n`)
    if (!/^[^\n]+\n$/.test(heard)) throw new Error(`Failed to parse daemon response: ${JSON.stringify(heard)}`)
    return JSON.parse(heard) as Answer
  }

  async #expect(type: string, request: object): Promise<Answer> {
    const answer = await this.ask(request)
    if (answer.type === type) return answer
    throw new Error(answer.type === "error" ? String(answer["message"]) : "Unexpected response from daemon")
  }

  async start(workingDir: string): Promise<{ readonly id: string; readonly log: string }> {
    const answer = await this.#expect("session_started", { type: "start_session", working_dir: workingDir })
    return { id: answer["session_id"] as string, log: answer["log_path"] as string }
  }

  async list(): Promise<ReadonlyArray<Info>> {
    return (await this.#expect("session_list", { type: "list_sessions" }))["sessions"] as ReadonlyArray<Info>
  }

  async stop(id: string): Promise<string> {
    return (await this.#expect("session_stopped", { type: "stop_session", session_id: id }))["session_id"] as string
  }

  /** As its window does. */
  async send(id: string, text: string): Promise<void> {
    await this.#expect("ok", { type: "send_input", session_id: id, text })
  }

  async attach(id: string): Promise<string> {
    return (await this.#expect("error", { type: "attach_session", session_id: id }))["message"] as string
  }

  async ping(): Promise<void> {
    await this.#expect("pong", { type: "ping" })
  }

  async shutdown(): Promise<Answer> {
    return this.ask({ type: "shutdown" })
  }
}

/** A log's lines; one that is not whole, or not one of theirs, fails. */
export const readLog = (path: string): ReadonlyArray<Line> => {
  const text = readFileSync(path, "utf8")
  if (text !== "" && !text.endsWith("\n")) throw new Error(`half a line at the end of ${path}`)
  return wholeLines(text)
}

const wholeLines = (text: string): ReadonlyArray<Line> =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const entry = JSON.parse(line) as Line
      if (Object.keys(entry).join() !== "timestamp,session_id,direction,data,size") throw new Error(line)
      if (Buffer.from(entry.data, "base64").length !== entry.size) throw new Error(line)
      return entry
    })

/** The bytes of one direction, together, as far as there are whole lines: who reads while a line is written may see a part of it. */
export const bytesOf = (path: string, direction: Line["direction"]): Buffer =>
  Buffer.concat(
    wholeLines(readFileSync(path, "utf8"))
      .filter((line) => line.direction === direction)
      .map(({ data }) => Buffer.from(data, "base64"))
  )
