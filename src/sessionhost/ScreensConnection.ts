import { Result, Schema } from "effect"
import type { Socket } from "node:net"
import { ScreensAnswer, type ScreensHello } from "../protocol/screens.ts"
import { FrameType } from "../protocol/sessionFrames.ts"
import { ControlConnection } from "./ControlConnection.ts"
import { HostFailure } from "./HostFailure.ts"
import type { ScreensLink } from "./ScreensLink.ts"
import type { SessionHost } from "./SessionHost.ts"

const decode = Schema.decodeUnknownResult(ScreensAnswer)

/** The screens process's connection: it asks as a daemon does, and answers what it is asked. */
export class ScreensConnection {
  readonly #socket: Socket
  readonly #control: ControlConnection
  readonly #link: ScreensLink
  readonly #log: (message: string) => void

  private constructor(socket: Socket, host: SessionHost, log: (message: string) => void) {
    this.#socket = socket
    const upgrade = () => Promise.reject(new HostFailure({ code: "bad-request", message: "only a daemon upgrades" }))
    this.#control = new ControlConnection(socket, { host, stop: () => {}, upgrade, log })
    this.#link = host.screens
    this.#log = log
  }

  /** Null for a process that this host did not start. */
  static accept(
    socket: Socket,
    hello: ScreensHello,
    host: SessionHost,
    log: (message: string) => void
  ): ScreensConnection | null {
    const connection = new ScreensConnection(socket, host, log)
    const accepted = host.screens.accept(hello, {
      ask: (message) => connection.#control.write(message),
      end: () => socket.end()
    })
    if (accepted === null) return null
    socket.on("close", accepted.leave)
    return connection
  }

  onFrame(type: number, payload: Buffer): void {
    if (type === FrameType.snapshot) return this.#link.onSnapshot(payload)
    if (type !== FrameType.control) return this.#cutOff(`a frame of type ${type}`)
    let message: unknown
    try {
      message = JSON.parse(payload.toString("utf8"))
    } catch {
      return this.#cutOff("a control frame that is not JSON")
    }
    const answer = decode(message)
    if (Result.isSuccess(answer)) return this.#link.onAnswer(answer.success)
    this.#control.onMessage(message)
  }

  #cutOff(reason: string): void {
    this.#log(`the screens process was cut off: ${reason}`)
    this.#socket.destroy()
  }
}
