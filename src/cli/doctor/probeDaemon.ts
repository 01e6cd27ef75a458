import { existsSync, lstatSync } from "node:fs"
import { connect } from "node:net"
import { isLocked } from "../../config/exclusiveLock.ts"
import { servicePaths } from "../../config/servicePaths.ts"
import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { DialectStatus } from "../../protocol/dialectStatus.ts"
import { MAX_SOCKET_PATH_BYTES } from "../../wire/socketErrors.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { readRecord, recordedProcess } from "../../config/recordedDaemon.ts"
import { callPatiently } from "../patience.ts"
import { toFault } from "../report.ts"
import type { DaemonFact, SocketFact } from "./snapshot.ts"

const ANSWER_MILLIS = 5000

/** The daemon, as it is: asked if it runs, never started. */
export const probeDaemon = async (context: Context): Promise<DaemonFact> => {
  const { paths } = context
  const record = readRecord(paths)
  const quiet = { ...context, mayStart: false }
  const answer = await callPatiently<DaemonStatus>(quiet, "daemon.status", {}, ANSWER_MILLIS).then(
    (status) => ({ status, problem: null }),
    (error: unknown) => ({ status: null, problem: toFault(error).message })
  )
  return {
    ...answer,
    locked: isLockHeld(paths.lock),
    hostLocked: isLockHeld(paths.hostLock),
    record: record === null ? null : { pid: record.pid, alive: recordedProcess(record) === "alive" }
  }
}

/** A file that can't be a lock is nobody's. */
const isLockHeld = (path: string): boolean => {
  try {
    return isLocked(path)
  } catch {
    return false
  }
}

/** What a running daemon says of its dialects. */
export const probeDialects = async (context: Context, daemon: DaemonFact): Promise<ReadonlyArray<DialectStatus>> => {
  if (daemon.status === null || !daemon.status.capabilities.includes("dialects.list")) return []
  const quiet = { ...context, mayStart: false }
  const answer = call<{ dialects: ReadonlyArray<DialectStatus> }>(quiet, "dialects.list", {}, ANSWER_MILLIS)
  return (await answer.catch(() => ({ dialects: [] }))).dialects
}

/** Whether somebody listens; the daemon's own socket is not touched where touching it would start one. */
export const probeSockets = (context: Context, daemon: DaemonFact): Promise<ReadonlyArray<SocketFact>> => {
  const { env, paths } = context
  const kept = existsSync(servicePaths(paths, env).systemdSocket)
  const runs = daemon.status !== null || daemon.record?.alive === true
  return Promise.all([
    kept && !runs
      ? { path: paths.socket, what: "the daemon's", state: "answers" as const, problem: null, kept }
      : probeSocket(paths.socket, "the daemon's", kept),
    probeSocket(paths.hostSocket, "the session-host's", false)
  ])
}

export const probeSocket = (path: string, what: string, kept: boolean): Promise<SocketFact> => {
  const fact = (state: SocketFact["state"], problem: string | null = null): SocketFact => ({
    path,
    what,
    state,
    problem,
    kept
  })
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined || Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) return Promise.resolve(fact("missing"))
  // What else may lie there is told by the check of files.
  if (!found.isSocket()) return Promise.resolve(fact("missing"))
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (result: SocketFact) => {
      socket.destroy()
      resolve(result)
    }
    socket.once("connect", () => settle(fact("answers")))
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED") settle(fact("refused"))
      else if (code === "ENOENT") settle(fact("missing"))
      // Somebody who has no time for one more.
      else if (code === "EAGAIN") settle(fact("answers"))
      else settle(fact("unusable", message))
    })
  })
}
