/**
 * Unix sockets as hob wants them: closed to other users from birth, replaced in one step, removed only by their owner.
 * Plain Node: the session-host and the thin command-line client use it; Effect code wraps it (see unixSocketEffect.ts).
 */
import { chmodSync, lstatSync, readdirSync, renameSync, statSync, unlinkSync } from "node:fs"
// Not as a namespace, whose interop is a file more in the command's bundles.
import {
  connect as connectTo,
  createServer,
  type IpcNetConnectOpts,
  type Server,
  type ServerOpts,
  type Socket
} from "node:net"
import { basename, dirname, join } from "node:path"
import { errorCode } from "./runDirectory.ts"
import { MAX_SOCKET_PATH_BYTES, SocketConnectError, SocketPathError } from "./socketErrors.ts"

export { prepareRunDirectory } from "./runDirectory.ts"
export * from "./socketErrors.ts"

/** As many connects may wait as Linux allows by default; Node's own 511 refuses a third of 10,000 at once. */
export const BACKLOG = 4096

/** `.` and eight letters or digits: what the name is followed by until it is renamed into place. */
const TEMPORARY_SUFFIX_BYTES = 9
const TEMPORARY_SUFFIX = /^\.[0-9a-z]{8}$/
const TEMPORARY_MAX_AGE_MILLIS = 60_000

/** A listening socket at `path`. */
export interface UnixListener {
  readonly server: Server
  readonly path: string
  readonly file: SocketFile
  /** False when the file was removed or replaced: who connects to the path does not reach this listener. */
  readonly isStillOurs: () => boolean
  /**
   * Removes the socket's file if it is still this listener's, lets connections that the kernel has already accepted
   * arrive, and stops listening. Connections stay open. Never rejects; a second call waits for the first.
   */
  readonly stop: () => Promise<void>
}

/**
 * Listens at `path`, whose directory {@link prepareRunDirectory} has made ready. The socket is bound under a temporary
 * name, mode 0600 from birth, and renamed into place: a predecessor's file is replaced without a moment in which
 * nobody answers, and a predecessor that closes late can't remove ours. Only sockets of our own are replaced.
 * Rejects with {@link SocketPathError}.
 */
export const listen = async (
  path: string,
  onConnection: (socket: Socket) => void,
  options?: ServerOpts
): Promise<UnixListener> => {
  checkLength(path, TEMPORARY_SUFFIX_BYTES, (problem, fix) => new SocketPathError("too-long", path, problem, fix))
  checkReplaceable(path)
  const temporary = `${path}.${uniqueSuffix()}`
  const server = createServer(options ?? {}, onConnection)
  // An accept that fails concerns that one client; whoever wants to know listens too.
  server.on("error", () => {})
  try {
    removeAbandoned(path)
    await bind(server, temporary)
    // For platforms and threads where the umask does not reach the socket.
    if ((lstatSync(temporary).mode & 0o777) !== 0o600) chmodSync(temporary, 0o600)
    renameSync(temporary, path)
  } catch (cause) {
    server.close()
    const fix = `Make sure that ${dirname(path)} is a directory you can write to, or set HOB_HOME to another place.`
    throw new SocketPathError("cannot-bind", path, `can't be listened on (${errorCode(cause)}).`, fix, cause)
  }
  return listenerOf(server, path, lstatSync(path, { bigint: true }))
}

/** The file of a listening socket, told apart from a later one of the same name. */
export interface SocketFile {
  readonly dev: bigint
  readonly ino: bigint
}

/** Whether `file` is what lies at `path` now. */
export const isAt = (path: string, file: SocketFile): boolean => {
  try {
    const found = lstatSync(path, { bigint: true })
    return found.ino === file.ino && found.dev === file.dev
  } catch {
    return false
  }
}

/** Goes on with a socket that listens as descriptor `fd` of this process already, at `path` in `file`. */
export const adoptListener = async (
  path: string,
  fd: number,
  file: SocketFile,
  onConnection: (socket: Socket) => void
): Promise<UnixListener> => {
  const server = createServer(onConnection)
  server.on("error", () => {})
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen({ fd, backlog: BACKLOG }, () => {
      server.off("error", reject)
      resolve()
    })
  })
  return listenerOf(server, path, file)
}

const listenerOf = (server: Server, path: string, own: SocketFile): UnixListener => {
  let accepted = 0
  server.on("connection", () => accepted++)
  const isStillOurs = (): boolean => isAt(path, own)
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    try {
      if (isStillOurs()) unlinkSync(path)
    } catch {
      // Out of reach: nothing of ours is left to remove.
    }
    // Who connected before the file was gone waits in the backlog, and would be reset by a close. Nobody can be added
    // any more, and Node accepts one in each turn of its loop: what is left is known by a turn that brings none.
    for (let before = -1; before !== accepted;) {
      before = accepted
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    if (server.listening) server.close()
  }
  return { server, path, file: own, isStillOurs, stop: () => (stopped ??= stop()) }
}

const bind = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    const umask = setUmask(0o177)
    try {
      // Binds before it returns, so nothing else creates a file under this umask.
      server.listen({ path, backlog: BACKLOG }, () => {
        server.off("error", reject)
        resolve()
      })
    } finally {
      if (umask !== undefined) process.umask(umask)
    }
  })

// A worker thread may not set the umask; the mode is then set before the rename.
const setUmask = (mask: number): number | undefined => {
  try {
    return process.umask(mask)
  } catch {
    return undefined
  }
}

const checkLength = (path: string, suffix: number, fail: (problem: string, fix: string) => Error): void => {
  const bytes = Buffer.byteLength(path)
  if (bytes + suffix <= MAX_SOCKET_PATH_BYTES) return
  throw fail(
    `is ${bytes} bytes long; a socket's path may have ${MAX_SOCKET_PATH_BYTES - suffix}.`,
    "Set HOB_HOME (or XDG_RUNTIME_DIR) to a shorter directory."
  )
}

const checkReplaceable = (path: string): void => {
  let found
  try {
    found = lstatSync(path)
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return
    throw new SocketPathError(
      "cannot-bind",
      path,
      `can't be looked at (${errorCode(cause)}).`,
      "Check its directory.",
      cause
    )
  }
  if (found.isSymbolicLink()) {
    throw new SocketPathError("is-a-link", path, "is a symbolic link.", `Remove it (rm ${path}).`)
  }
  if (!found.isSocket()) {
    const what = found.isDirectory() ? "a directory" : "a file that is not a socket"
    throw new SocketPathError("not-a-socket", path, `is ${what}.`, `Move it out of the way (mv ${path} ${path}.old).`)
  }
  const self = process.geteuid?.()
  if (self !== undefined && found.uid !== self) {
    const fix = "Stop what that user runs here and remove the file."
    throw new SocketPathError("foreign-owner", path, `belongs to user ${found.uid}, and this is user ${self}.`, fix)
  }
}

/** Temporary names of processes that died between bind and rename. */
const removeAbandoned = (path: string): void => {
  const directory = dirname(path)
  const name = basename(path)
  for (const entry of readdirSync(directory)) {
    if (!entry.startsWith(name) || !TEMPORARY_SUFFIX.test(entry.slice(name.length))) continue
    try {
      const found = lstatSync(join(directory, entry))
      if (found.isSocket() && Date.now() - found.mtimeMs > TEMPORARY_MAX_AGE_MILLIS) unlinkSync(join(directory, entry))
    } catch {
      // Its owner was faster.
    }
  }
}

let counter = 0
const uniqueSuffix = (): string => {
  const seed = process.pid * 1_000_003 + Math.floor(process.uptime() * 1_000_000) * 31 + counter++
  return seed.toString(36).padStart(8, "0").slice(-8)
}

export interface ConnectOptions {
  /** How long to go on while the listener's backlog is full. Default 5000. */
  readonly timeoutMillis?: number
  /** The socket then stays open for reading after its own `end`. Default false. */
  readonly allowHalfOpen?: boolean
  /**
   * Gets what is read, instead of the event `data`, which costs a stream's machinery for each key; `resume` the socket to
   * begin. What it gets stays as it is.
   */
  readonly onRead?: (chunk: Buffer) => void
}

/**
 * Connects to the socket at `path` after making sure that its file is ours (or root's): somebody else's could be a fake.
 * While the listener's backlog is full it tries again. Rejects with {@link SocketConnectError}.
 */
export const connect = async (path: string, options?: ConnectOptions): Promise<Socket> => {
  checkLength(path, 0, (problem, fix) => new SocketConnectError("too-long", path, `${problem} ${fix}`))
  checkOwner(path)
  const deadline = performance.now() + (options?.timeoutMillis ?? 5000)
  for (let pause = 2; ; pause = Math.min(pause * 2, 100)) {
    try {
      return await connectOnce(path, options)
    } catch (cause) {
      if (errorCode(cause) !== "EAGAIN" || performance.now() >= deadline) throw connectError(path, cause)
    }
    // Spread out, so that a crowd that was refused together doesn't come back together.
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())))
  }
}

const connectOnce = (path: string, { allowHalfOpen = false, onRead }: ConnectOptions = {}): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const onread = onRead === undefined ? {} : { onread: readingInto(onRead) }
    // Its types know only of a buffer that is filled again each time.
    const socket = connectTo({ path, allowHalfOpen, ...onread } as IpcNetConnectOpts)
    socket.once("error", reject)
    socket.once("connect", () => {
      // What goes wrong later is told by `close` too; without a listener it would end the process.
      socket.on("error", () => {})
      socket.off("error", reject)
      resolve(socket)
    })
  })

const BLOCK_BYTES = 256 * 1024
/** With less room than this a block is given up. */
const LEAST_ROOM_BYTES = 32 * 1024

/** Reads into one block of memory after another, everything into a place of its own. */
const readingInto = (onRead: (chunk: Buffer) => void) => {
  let room = Buffer.alloc(0)
  return {
    buffer: (): Buffer => {
      if (room.length < LEAST_ROOM_BYTES) room = Buffer.allocUnsafeSlow(BLOCK_BYTES)
      return room
    },
    callback: (count: number): boolean => {
      const chunk = room.subarray(0, count)
      room = room.subarray(count)
      onRead(chunk)
      return true
    }
  }
}

const checkOwner = (path: string): void => {
  let found
  try {
    found = statSync(path)
  } catch (cause) {
    throw connectError(path, cause)
  }
  if (!found.isSocket()) {
    const fix = `Move it out of the way (mv ${path} ${path}.old).`
    throw new SocketConnectError("not-a-socket", path, `is not a socket. ${fix}`)
  }
  const self = process.geteuid?.()
  if (self === undefined || found.uid === self || found.uid === 0) return
  const message = `belongs to user ${found.uid}, and this is user ${self}: it is not used.`
  throw new SocketConnectError("foreign-owner", path, message)
}

const connectError = (path: string, cause: unknown): SocketConnectError => {
  const code = errorCode(cause)
  const [reason, message] = CONNECT_ERRORS[code] ?? (["system", `can't be connected to (${code}).`] as const)
  return new SocketConnectError(reason, path, message, cause)
}

const CONNECT_ERRORS: Record<string, readonly [SocketConnectError["reason"], string]> = {
  ENOENT: ["missing", "there is no such socket: nothing listens here."],
  ENOTDIR: ["missing", "there is no such socket: nothing listens here."],
  ECONNREFUSED: ["refused", "nobody listens on this socket any more."],
  // Who listened has ended while we stood in its line.
  ECONNRESET: ["refused", "nobody listens on this socket any more."],
  EAGAIN: ["busy", "the listener does not accept connections fast enough."],
  EACCES: ["permission", "you may not connect to this socket."],
  EPERM: ["permission", "you may not connect to this socket."]
}
