/**
 * A listening socket that a service manager made and passed on: systemd's protocol, in which descriptors from 3 on belong
 * to the process whose pid is in LISTEN_PID. Plain Node.
 */
import { fstatSync, lstatSync, readFileSync } from "node:fs"
import * as net from "node:net"
import { SocketPathError } from "./socketErrors.ts"
import { BACKLOG, isAt, type UnixListener } from "./unixSocket.ts"

const FIRST_FD = 3
/** More than any unit of ours has; a number that means nothing must not become a long loop. */
const MAX_FDS = 64

type Env = Readonly<Record<string, string | undefined>>

/** The variables that speak of what was passed to this very process: none of its children may believe them. */
export const activationVariables = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"] as const

/** The descriptors that were passed to the process `pid`; none when the variables speak of another one. */
export const passedDescriptors = (env: Env, pid: number): ReadonlyArray<number> => {
  const count = Number(env["LISTEN_FDS"])
  if (Number(env["LISTEN_PID"]) !== pid || !Number.isInteger(count) || count < 1 || count > MAX_FDS) return []
  return Array.from({ length: count }, (_, index) => FIRST_FD + index)
}

/** The one of `descriptors` that is a socket bound at `path`; null when none is, or the system doesn't tell. */
export const descriptorAt = (descriptors: ReadonlyArray<number>, path: string): number | null => {
  if (descriptors.length === 0) return null
  const inodes = new Set(boundAt(path))
  return descriptors.find((fd) => inodes.has(inodeOf(fd))) ?? null
}

const inodeOf = (fd: number): string => {
  try {
    const stat = fstatSync(fd)
    return stat.isSocket() ? String(stat.ino) : ""
  } catch {
    return ""
  }
}

/** `Num RefCount Protocol Flags Type St Inode Path`, a line for each Unix socket there is. */
const boundAt = (path: string): ReadonlyArray<string> => {
  let table: string
  try {
    table = readFileSync("/proc/net/unix", "utf8")
  } catch {
    return []
  }
  return table.split("\n").flatMap((line) => {
    const [, inode, bound] = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (.*)$/.exec(line) ?? []
    return inode !== undefined && bound === path ? [inode] : []
  })
}

/**
 * Accepts connections on a socket that was passed to us. It stays its maker's: stopping removes no file, and who
 * connects meanwhile waits for the next process that accepts. Rejects with {@link SocketPathError} when connecting to
 * `path` does not reach the socket: its file was removed or replaced.
 */
export const adopt = async (
  fd: number,
  path: string,
  onConnection: (socket: net.Socket) => void,
  options?: net.ServerOpts
): Promise<UnixListener> => {
  const server = net.createServer(options ?? {}, onConnection)
  server.on("error", () => {})
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      // Listening again sets how many connects may wait: never fewer than its maker allowed.
      server.listen({ fd }, BACKLOG, () => {
        server.off("error", reject)
        resolve()
      })
    })
    await reaches(path)
  } catch (cause) {
    server.close()
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    throw new SocketPathError("cannot-bind", path, `does not lead to the socket that was passed (${code}).`, "", cause)
  }
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    if (server.listening) server.close()
  }
  const file = lstatSync(path, { bigint: true })
  return { server, path, file, isStillOurs: () => isAt(path, file), stop: () => (stopped ??= stop()) }
}

const reaches = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(path, () => {
      socket.destroy()
      resolve()
    })
    socket.once("error", (error: NodeJS.ErrnoException) => (error.code === "EAGAIN" ? resolve() : reject(error)))
  })
