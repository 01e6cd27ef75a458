import { RpcErrorCode } from "../../protocol/errors.ts"
import { CallError, ConnectionLost, SocketConnectError } from "./bare.ts"

/** Nobody listens there: the one failure that starting a daemon mends. */
export const isAway = (error: unknown): boolean =>
  error instanceof SocketConnectError && (error.reason === "missing" || error.reason === "refused")

/** Told by a daemon on its way out: the next one will answer. */
export const isStopping = (error: unknown): boolean =>
  error instanceof CallError && error.code === RpcErrorCode.cancelled

/** A failure of the connection that asking again may mend: the daemon was killed, is busy, or is being restarted. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ConnectionLost ||
  (error instanceof SocketConnectError && (isAway(error) || ["busy", "system"].includes(error.reason))) ||
  isStopping(error) ||
  (error instanceof Error && error.name === "NotRunning") ||
  isSystem(error, "ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE", "EAGAIN")

const isSystem = (error: unknown, ...codes: ReadonlyArray<string>): boolean =>
  error instanceof Error && codes.includes(String((error as NodeJS.ErrnoException).code))
