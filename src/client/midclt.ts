/**
 * The functions that programs written for midclt's daemon know, over the same sockets: hob's where the dialect `midclt`
 * is enabled, and as well the daemon that midclt brings itself. Each request is a connection of its own.
 */
import { existsSync } from "node:fs"
import { midcltIdentifier, midcltPaths } from "../config/midcltPaths.ts"
import { connect } from "../wire/unixSocket.ts"

type Address = string | null
const pathsOf = (uri: Address = null, username: Address = null) =>
  midcltPaths(process.env, midcltIdentifier(uri, username))

/** What tells the daemon of one connection from others: `local` without an address, else 12 hex digits. */
export const getDaemonIdentifier = (uri: Address = null, username: Address = null): string =>
  midcltIdentifier(uri, username)
/** Where all of it is. Not made here. */
export const getDaemonDir = (): string => pathsOf().directory
export const getDaemonSocketPath = (uri?: Address, username?: Address): string => pathsOf(uri, username).socket
export const getDaemonPidPath = (uri?: Address, username?: Address): string => pathsOf(uri, username).pidFile
export const getDaemonLogPath = (uri?: Address, username?: Address): string => pathsOf(uri, username).log

/** How far a job is. */
export interface MidcltProgress {
  readonly type: "progress"
  readonly percent: number | null
  readonly description: string | null
  readonly state: string
}

/** The last line of an answer. */
export type MidcltResponse =
  | { readonly type: "result"; readonly result: unknown }
  | {
      readonly type: "error"
      readonly error: string
      readonly error_type: string
      readonly trace?: { readonly class: string; readonly formatted: string; readonly repr: string } | null
      readonly extra?: unknown
      /** These are hob's: its own daemon says no more than the above. */
      readonly code?: number
      readonly errno?: number | null
      readonly errname?: string | null
      readonly errors?: ReadonlyArray<readonly [attribute: string | null, message: string, errno: number]>
      readonly detail?: string
      readonly job?: number
    }

/** A request was refused, or failed: what the daemon said of it is in `response`. */
export class MidcltError extends Error {
  readonly response: Extract<MidcltResponse, { type: "error" }>
  constructor(response: Extract<MidcltResponse, { type: "error" }>) {
    super(response.error)
    this.name = response.error_type
    this.response = response
  }
}

const CONNECT_MILLIS = 1000

/** Whether a daemon answers. Removes nothing, whoever the pid file names. */
export const isDaemonRunning = async (uri?: Address, username?: Address): Promise<boolean> => {
  const path = getDaemonSocketPath(uri, username)
  if (!existsSync(path)) return false
  try {
    const socket = await connect(path, { timeoutMillis: CONNECT_MILLIS })
    socket.destroy()
    return true
  } catch {
    return false
  }
}

/**
 * Sends a request and gives the last line of its answer, also where that is an error; each line of progress goes to
 * `progressCallback`. Waits for as long as it takes. Rejects where nobody listens, or the connection ends before the answer.
 * Numbers are those of JavaScript: who needs each digit of them calls `upstream.call` of hob's own protocol.
 */
export const sendToDaemon = async (
  request: Readonly<Record<string, unknown>>,
  uri?: Address,
  username?: Address,
  progressCallback?: (progress: MidcltProgress) => void
): Promise<MidcltResponse> => {
  const socket = await connect(getDaemonSocketPath(uri, username))
  try {
    socket.write(`${JSON.stringify(request)}\n`)
    for await (const line of linesOf(socket)) {
      const message = JSON.parse(line) as MidcltProgress | MidcltResponse
      if (message.type === "result" || message.type === "error") return message
      if (message.type !== "progress") throw new Error(`Unknown message type from daemon: ${String(message["type"])}`)
      progressCallback?.(message)
    }
    throw new Error("Daemon closed connection without response")
  } finally {
    socket.destroy()
  }
}

const NEWLINE = 0x0a

/** Each piece is looked at once, however long a line is. Blank lines mean nothing. */
const linesOf = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Array<Buffer> = []
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString("utf8")
      parts = []
      start = end + 1
      if (line.trim() !== "") yield line
    }
    if (start < chunk.length) parts.push(chunk.subarray(start))
  }
}

/** Asks the daemon to stop: false where none runs. hob closes that one socket, and goes on with the rest. */
export const stopDaemon = async (uri?: Address, username?: Address): Promise<boolean> => {
  if (!(await isDaemonRunning(uri, username))) return false
  resultOf(await sendToDaemon({ command: "stop" }, uri, username))
  return true
}

export interface ViaDaemonOptions {
  readonly uri?: Address
  readonly username?: Address
  /** Seconds. */
  readonly timeout?: number
}

export interface CallViaDaemonOptions extends ViaDaemonOptions {
  /** Waits for the job that the method is. */
  readonly job?: boolean
  readonly onProgress?: (progress: MidcltProgress) => void
}

/** Calls a method and gives its result. Rejects with a {@link MidcltError} where that fails. */
export const callViaDaemon = async (
  method: string,
  params: ReadonlyArray<unknown> = [],
  { job, onProgress, timeout, uri, username }: CallViaDaemonOptions = {}
): Promise<any> => {
  await checkRunning(uri, username)
  const kwargs = { ...(timeout ? { timeout } : {}), ...(job === true ? { job } : {}) }
  return resultOf(await sendToDaemon({ command: "call", method, params, kwargs }, uri, username, onProgress))
}

/** `pong`, from the server behind the daemon. */
export const pingViaDaemon = async ({ timeout = 10, uri, username }: ViaDaemonOptions = {}): Promise<string> => {
  await checkRunning(uri, username)
  return resultOf(await sendToDaemon({ command: "ping", timeout }, uri, username)) as string
}

const resultOf = (response: MidcltResponse): unknown => {
  if (response.type === "error") throw new MidcltError(response)
  return response.result
}

const checkRunning = async (uri?: Address, username?: Address): Promise<void> => {
  if (await isDaemonRunning(uri, username)) return
  const path = getDaemonSocketPath(uri, username)
  throw new Error(`No daemon is running at ${path}. \`hob dialect enable midclt\` has hob listen there.`)
}
