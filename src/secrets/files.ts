/** Secrets in files that only their owner reads. */
import { Effect } from "effect"
import { randomBytes } from "node:crypto"
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { dirname } from "node:path"
import type { SecretStore } from "./SecretStore.ts"

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code
const attempt = <A>(work: () => A): Effect.Effect<A, string> =>
  Effect.try({ try: work, catch: (error) => (error instanceof Error ? error.message : String(error)) })

/** `fileOf` gives the path of a secret's file. */
export const makeFiles = (fileOf: (name: string) => string): SecretStore => ({
  get: (name) => attempt(() => read(fileOf(name))),
  set: (name, secret) => attempt(() => write(fileOf(name), secret)),
  remove: (name) =>
    attempt(() => {
      const path = fileOf(name)
      rmSync(path, { force: true })
      flushDirectory(path)
    })
})

const read = (path: string): Uint8Array | null => {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null
    throw new Error(
      codeOf(error) === "ELOOP"
        ? `${path} is a link. Put the file itself there.`
        : `${path} can't be read (${(error as Error).message}).`,
      { cause: error }
    )
  }
  try {
    const { mode, uid } = fstatSync(fd)
    const self = process.geteuid?.()
    if ((mode & 0o077) !== 0 || (self !== undefined && uid !== self)) {
      throw new Error(`others may read or own ${path}, so it is no secret. Make it yours alone: chmod 600.`)
    }
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

const write = (path: string, secret: Uint8Array): void => {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(temporary, secret, { mode: 0o600, flag: "wx", flush: true })
    renameSync(temporary, path)
    flushDirectory(path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new Error(`${path} can't be written (${(error as Error).message}).`, { cause: error })
  }
}

/** Else a file that was put there, or removed, may be as before when the machine comes up again. */
const flushDirectory = (path: string): void => {
  let fd: number | undefined
  try {
    fd = openSync(dirname(path), constants.O_RDONLY)
    fsyncSync(fd)
  } catch {
    // Not every file system can.
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
