import { Deferred, Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, constants, lstatSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { identityOf } from "../config/processIdentity.ts"
import { prepareRunDirectory } from "../wire/unixSocket.ts"
import { Refusal } from "./claim.ts"

/** A pid file that is held, and the process in it. */
export interface HeldPidFile {
  readonly pid: number
  /** Waits until somebody has ended that process: to the dialect's clients that means that its daemon is to stop. */
  readonly ended: Effect.Effect<string>
}

/**
 * For dialects whose clients insist on a pid file, look whether its process lives, and signal it to stop the daemon:
 * the file names a tiny process that waits for nothing else, never hob. It ends when this process does, whatever way;
 * with the scope it is ended and the file removed, if it still names it. Fails where the file names another process
 * that lives, or is not a pid file. One whose process is gone is replaced.
 */
export const holdPidFile = (path: string, title: string): Effect.Effect<HeldPidFile, Refusal, Scope.Scope> =>
  Effect.gen(function* () {
    yield* Effect.try({ try: () => checkReplaceable(path), catch: asRefusal })
    const ended = yield* Deferred.make<string>()
    const helper = yield* Effect.acquireRelease(
      Effect.try({ try: () => startHelper(title), catch: asRefusal }),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    helper.on("exit", (code, signal) => {
      const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`
      Deferred.doneUnsafe(ended, Effect.succeed(`the process of its pid file (pid ${helper.pid}) ${how}`))
    })
    const pid = helper.pid
    if (pid === undefined) {
      return yield* new Refusal({ reason: `${path}: the process that it is to name can't be started.`, pid: null })
    }
    yield* Effect.acquireRelease(Effect.try({ try: () => writePid(path, pid), catch: asRefusal }), () =>
      Effect.sync(() => removeIfNames(path, pid))
    )
    return { pid, ended: Deferred.await(ended) }
  })

/**
 * A shell that reads a line which never comes: a megabyte, and any system has one. It sees the end of its input when
 * the daemon dies. Its name is its first argument, so that it can be told in a listing of processes.
 */
const startHelper = (title: string): ChildProcess => {
  const child = spawn("/bin/sh", ["-c", "read -r line || :", title], {
    cwd: "/",
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
    // A signal for the daemon's group is not meant for it.
    detached: true
  })
  child.on("error", () => {})
  child.stdin?.on("error", () => {})
  child.unref()
  return child
}

class NotReplaceable extends Error {
  readonly pid: number | null
  constructor(message: string, pid: number | null) {
    super(message)
    this.pid = pid
  }
}

const asRefusal = (error: unknown): Refusal =>
  new Refusal({
    reason: error instanceof Error ? error.message : String(error),
    pid: error instanceof NotReplaceable ? error.pid : null
  })

const MAX_PID_FILE_BYTES = 64

const checkReplaceable = (path: string): void => {
  prepareRunDirectory(dirname(path))
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  const self = process.geteuid?.()
  const isOurs = found.isFile() && (self === undefined || found.uid === self)
  const text = isOurs && found.size <= MAX_PID_FILE_BYTES ? readFileSync(path, "latin1").trim() : "?"
  // An empty one is left by a process that died while it wrote it.
  if (!/^\d*$/.test(text)) {
    throw new NotReplaceable(`${path}: is not a pid file. hob leaves it alone: move it out of the way.`, null)
  }
  const pid = Number(text)
  if (pid > 0 && identityOf(pid) !== null) {
    throw new NotReplaceable(
      `${path}: names pid ${pid}, which runs. End it and try again; if it is another program (ps -p ${pid}), remove the file.`,
      pid
    )
  }
}

const writePid = (path: string, pid: number): void => {
  const fresh = `${path}.new`
  rmSync(fresh, { force: true })
  const fd = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    writeSync(fd, String(pid))
  } finally {
    closeSync(fd)
  }
  renameSync(fresh, path)
}

const removeIfNames = (path: string, pid: number): void => {
  try {
    if (readFileSync(path, "latin1").trim() === String(pid)) rmSync(path)
  } catch {
    // Gone, or somebody else's by now.
  }
}
