import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  readdirSync,
  unlinkSync,
  writeSync,
  writevSync
} from "node:fs"

/** The file system as the log uses it: synchronous, by descriptor. Another form injects faults. Every call may throw. */
export interface LogFs {
  /** Makes a file that must not exist, mode 0600, for writing. */
  readonly create: (path: string) => number
  readonly openToRead: (path: string) => number
  /** Opens a file that is there. */
  readonly openToWrite: (path: string) => number
  readonly close: (fd: number) => void
  readonly unlink: (path: string) => void
  /** Writes at `position`; returns the bytes written, which may be fewer. */
  readonly write: (fd: number, data: Buffer, position: number) => number
  readonly writev: (fd: number, data: ReadonlyArray<Buffer>, position: number) => number
  readonly read: (fd: number, into: Buffer, position: number) => number
  readonly size: (fd: number) => number
  readonly list: (directory: string) => ReadonlyArray<string>
}

export const nodeLogFs: LogFs = {
  create: (path) => openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600),
  openToRead: (path) => openSync(path, "r"),
  openToWrite: (path) => openSync(path, constants.O_WRONLY),
  close: (fd) => closeSync(fd),
  unlink: (path) => unlinkSync(path),
  write: (fd, data, position) => writeSync(fd, data, 0, data.length, position),
  writev: (fd, data, position) => writevSync(fd, data as Array<Buffer>, position),
  read: (fd, into, position) => readSync(fd, into, 0, into.length, position),
  size: (fd) => fstatSync(fd).size,
  list: (directory) => readdirSync(directory)
}
