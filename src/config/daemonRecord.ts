import { Option, Schema } from "effect"
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs"
import { userInfo } from "node:os"
import { identityOf, isAlive, type ProcessIdentity } from "./processIdentity.ts"
import type { Paths } from "./paths.ts"
import { VERSION } from "./version.ts"

/** `daemon.json`: what the holder of a home's lock says of itself, for those who can't reach its socket. */
export const DaemonRecord = Schema.Struct({
  pid: Schema.Int,
  /** With `bootId`, tells this process from a later one with its pid. */
  startTime: Schema.String,
  bootId: Schema.String,
  /** ISO 8601, for people. */
  startedAt: Schema.String,
  uid: Schema.Int,
  owner: Schema.String,
  socket: Schema.String,
  version: Schema.String
})
export type DaemonRecord = typeof DaemonRecord.Type

/** This process as the daemon of these paths. */
export const ownRecord = (paths: Pick<Paths, "socket">): DaemonRecord => {
  const identity: ProcessIdentity = identityOf(process.pid) ?? { pid: process.pid, startTime: "", bootId: "" }
  return {
    ...identity,
    startedAt: new Date().toISOString(),
    uid: process.getuid?.() ?? -1,
    owner: ownerName(),
    socket: paths.socket,
    version: VERSION
  }
}

const ownerName = (): string => {
  try {
    return userInfo().username
  } catch {
    // A user without an entry in the password file.
    return String(process.getuid?.() ?? "")
  }
}

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(DaemonRecord))

/** What the file says; null when there is none or nothing can be made of it. */
export const readDaemonRecord = (path: string): DaemonRecord | null => {
  try {
    return Option.getOrNull(decode(readFileSync(path, "utf8")))
  } catch {
    return null
  }
}

/** Whether the process of this record still runs; a process that has its pid by now is another one. */
export const isDaemonAlive = (record: DaemonRecord): boolean => isAlive(record)

/** Puts the record in place in one step; mode 0600. Throws the system's error. */
export const writeDaemonRecord = (path: string, record: DaemonRecord): void => {
  const temporary = `${path}.new`
  rmSync(temporary, { force: true })
  const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    writeSync(fd, `${JSON.stringify(record, null, 2)}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(temporary, path)
}
