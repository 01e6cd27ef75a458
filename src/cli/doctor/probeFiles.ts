import { closeSync, constants, lstatSync, openSync, readdirSync, readFileSync, readSync, type Stats } from "node:fs"
import { basename, dirname, join } from "node:path"
import { Option, Schema } from "effect"
import type { Paths } from "../../config/paths.ts"
import { ExitFile, SessionFile } from "../../protocol/sessionHost.ts"
import type { FileFact, SessionFact } from "./snapshot.ts"

const list = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory).sort()
  } catch {
    return []
  }
}

const kindOf = (stat: Stats): FileFact["kind"] =>
  stat.isSymbolicLink()
    ? "link"
    : stat.isDirectory()
      ? "directory"
      : stat.isFile()
        ? "file"
        : stat.isSocket()
          ? "socket"
          : "other"

const missing = { kind: "missing", uid: -1, mode: 0, modified: 0 } as const

type Wanted = Pick<FileFact, "what" | "wanted"> & Partial<Pick<FileFact, "allowed" | "state">>

const fact = (path: string, { allowed, state = "in place", wanted, what }: Wanted): FileFact => {
  const rest = { path, what, wanted, state, allowed: allowed ?? (wanted === "directory" ? 0o700 : 0o600) }
  try {
    const stat = lstatSync(path)
    return { ...rest, kind: kindOf(stat), uid: stat.uid, mode: stat.mode & 0o777, modified: stat.mtimeMs }
  } catch {
    return { ...rest, ...missing }
  }
}

/** What lies there is the session-host's business, and the screens process's: only who may open it is looked at. */
const sessionFiles = (directory: string): ReadonlyArray<FileFact> =>
  [directory, ...list(directory).map((name) => join(directory, name))].map(asItIs)

const asItIs = (path: string): FileFact => {
  const isDirectory = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  return fact(path, { what: "a session's", wanted: isDirectory ? "directory" : "file" })
}

/** People keep their configuration in repositories: it may be a link, and others may read it. Only what it leads to counts. */
const configFact = (paths: Paths): FileFact => {
  const file = fact(paths.config, { what: "configuration", wanted: "file", allowed: 0o755 })
  return file.kind === "link" ? { ...file, kind: "missing" } : file
}

/** The home may be a link to another disk. */
const homeFact = (paths: Paths): FileFact => {
  const home = fact(paths.home, { what: "home", wanted: "directory" })
  return home.kind === "link" ? fact(`${paths.home}/.`, { what: "home", wanted: "directory" }) : home
}

const STORE_MAGIC = "SQLite format 3\0"

/** Whether what should be a store can't be one. Only its beginning is looked at, and it is never empty: the daemon looks at all of it. */
const isDamaged = (path: string): boolean => {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
  const beginning = Buffer.alloc(STORE_MAGIC.length)
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      readSync(file, beginning)
      return beginning.toString("latin1") !== STORE_MAGIC
    } finally {
      closeSync(file)
    }
  } catch {
    return false
  }
}

/** What lies beside `path` under its name and something more. */
const beside = (path: string, pattern: RegExp, wanted: Wanted): ReadonlyArray<FileFact> =>
  list(dirname(path))
    .filter((name) => name.startsWith(basename(path)) && pattern.test(name.slice(basename(path).length)))
    .map((name) => fact(join(dirname(path), name), wanted))

const TEMPORARY_SOCKET = /^\.[0-9a-z]{8}$/

/** Every file of this home, sessions' too. */
export const probeFiles = (paths: Paths): ReadonlyArray<FileFact> => {
  const file = (path: string, what: string, rest: Partial<Wanted> = {}) => fact(path, { what, wanted: "file", ...rest })
  const directory = (path: string, what: string) => fact(path, { what, wanted: "directory" })
  const socket = (path: string, what: string) => fact(path, { what, wanted: "socket" })
  return [
    { ...homeFact(paths), path: paths.home },
    directory(paths.run, "sockets"),
    directory(paths.logs, "logs"),
    directory(paths.sessions, "sessions"),
    directory(paths.cache, "compiled code"),
    configFact(paths),
    file(paths.lock, "the daemon's lock"),
    file(paths.lockInfo, "the daemon's record"),
    file(paths.hostLock, "the session-host's lock"),
    { ...file(paths.database, "store"), damaged: isDamaged(paths.database) },
    socket(paths.socket, "the daemon's socket"),
    socket(paths.hostSocket, "the session-host's socket"),
    ...list(paths.logs).map((name) => file(join(paths.logs, name), "log")),
    ...beside(paths.database, /^-(wal|shm)$/, { what: "store", wanted: "file" }),
    ...beside(paths.database, /damaged-/, { what: "damaged store", wanted: "file", state: "aside" }),
    ...beside(paths.database, /^\.new(-wal|-journal)?$/, { what: "store", wanted: "file", state: "temporary" }),
    file(paths.hostState, "the session-host's state, handed over in an upgrade", { state: "temporary" }),
    file(`${paths.lockInfo}.new`, "the daemon's record", { state: "temporary" }),
    ...[paths.socket, paths.hostSocket].flatMap((path) =>
      beside(path, TEMPORARY_SOCKET, { what: "socket", wanted: "socket", state: "temporary" })
    ),
    ...list(paths.sessions).flatMap((id) => sessionFiles(join(paths.sessions, id)))
  ]
}

const decodeSession = Schema.decodeUnknownOption(Schema.fromJsonString(SessionFile))
const decodeExit = Schema.decodeUnknownOption(Schema.fromJsonString(ExitFile))

const textOf = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return null
  }
}

/** What each session's directory tells. */
export const probeSessions = (paths: Paths): ReadonlyArray<SessionFact> =>
  list(paths.sessions).map((id) => {
    const directory = join(paths.sessions, id)
    const names = list(directory)
    const file = Option.getOrNull(decodeSession(textOf(join(directory, "session.json"))))
    const exit = textOf(join(directory, "exit.json"))
    return {
      id,
      directory,
      known: file !== null && file.id === id,
      exit: exit === null ? "none" : Option.isSome(decodeExit(exit)) ? "ended" : "damaged",
      temporary: names.filter((name) => name.endsWith(".new")),
      torn: names.filter((name) => tornHalf(name, names))
    }
  })

/** A segment of the log is raw output with an index beside it. */
const tornHalf = (name: string, names: ReadonlyArray<string>): boolean => {
  const [, segment, half] = /^(\d{16}-\d{16})\.(out|idx)$/.exec(name) ?? []
  return segment !== undefined && !names.includes(`${segment}.${half === "out" ? "idx" : "out"}`)
}
