/** Why a Unix socket can't be had. Plain classes with a `_tag`, so that Effect code and plain Node catch them alike. */

/** The longest path of a Unix socket the kernel takes, in bytes: `sun_path` less its closing NUL (104 on macOS). */
export const MAX_SOCKET_PATH_BYTES = process.platform === "darwin" ? 103 : 107

/** A path can't serve as a socket, or its directory as a place for sockets. */
export class SocketPathError extends Error {
  readonly _tag = "SocketPathError"
  override readonly name = "SocketPathError"
  readonly reason:
    | "too-long"
    | "is-a-link"
    | "not-a-directory"
    | "not-a-socket"
    | "foreign-owner"
    | "cannot-create"
    | "cannot-bind"
  readonly path: string
  /** What is wrong, without what to do about it. */
  readonly problem: string

  constructor(reason: SocketPathError["reason"], path: string, problem: string, fix: string, cause?: unknown) {
    super(`${path}: ${problem} ${fix}`, cause === undefined ? undefined : { cause })
    this.reason = reason
    this.path = path
    this.problem = problem
  }
}

/** Nobody could be reached at the socket. */
export class SocketConnectError extends Error {
  readonly _tag = "SocketConnectError"
  override readonly name = "SocketConnectError"
  /**
   * - `missing`: there is no such file: nothing was started, or it has stopped.
   * - `refused`: the file is there and nobody listens: what listened has died.
   * - `busy`: the listener's backlog stayed full.
   */
  readonly reason:
    | "missing"
    | "refused"
    | "busy"
    | "permission"
    | "foreign-owner"
    | "not-a-socket"
    | "too-long"
    | "system"
  readonly path: string

  constructor(reason: SocketConnectError["reason"], path: string, message: string, cause?: unknown) {
    super(`${path}: ${message}`, cause === undefined ? undefined : { cause })
    this.reason = reason
    this.path = path
  }
}
