/** What lies in a session's directory beside the log. */
import { Option, Schema } from "effect"
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs"
import { mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ExitFile, SessionFile } from "../protocol/sessionHost.ts"

const SESSION = "session.json"
const EXIT = "exit.json"
const ENVIRONMENT = "environment.json"
const EXIT_RESERVED = "exit.json.new"

/** More than an exit record takes, and a whole block of the file system. */
const RESERVED_BYTES = 4096

/**
 * Makes a session's directory, and takes the room that `exit.json` will need, so that a disk that is full by then can't
 * keep a session's end from being recorded. `env` is written down for a session that may be started anew. There is no
 * session yet: {@link writeSessionFile} makes it one. Rejects; then nothing is left behind.
 */
export const createSessionDirectory = async (
  directory: string,
  env: Readonly<Record<string, string>> | null = null
): Promise<void> => {
  await mkdir(directory, { mode: 0o700 })
  const fresh = (name: string, data: string) => writeFile(join(directory, name), data, { flag: "wx", mode: 0o600 })
  try {
    await fresh(EXIT_RESERVED, " ".repeat(RESERVED_BYTES))
    if (env !== null) await fresh(ENVIRONMENT, JSON.stringify(env) + "\n")
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

/**
 * Writes `session.json`. In the turn in which the program is started: whoever finds it in a directory takes the session
 * for a lost one when this process doesn't hold it. Throws.
 */
export const writeSessionFile = (directory: string, file: SessionFile): void =>
  writeWhole(join(directory, SESSION), Buffer.from(JSON.stringify(file) + "\n"))

const writeWhole = (path: string, data: Buffer): void => {
  const fd = openSync(path, "wx", 0o600)
  try {
    for (let at = 0; at < data.length;) {
      const count = writeSync(fd, data, at)
      if (count === 0) throw new Error(`${path} could not be written`)
      at += count
    }
  } finally {
    closeSync(fd)
  }
}

/** Puts another `session.json` in the place of the one there, whole or not at all. Throws. */
export const replaceSessionFile = (directory: string, file: SessionFile): void => {
  const fresh = join(directory, `${SESSION}.new`)
  rmSync(fresh, { force: true })
  try {
    writeWhole(fresh, Buffer.from(JSON.stringify(file) + "\n"))
    renameSync(fresh, join(directory, SESSION))
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}

/** Nobody needs the environment of this session any more. */
export const deleteEnvironment = (directory: string): void => rmSync(join(directory, ENVIRONMENT), { force: true })

/** Writes `exit.json`, whole or not at all, and through to the disk. */
export const writeExitFile = async (directory: string, exit: ExitFile): Promise<void> => {
  const data = Buffer.from(JSON.stringify(exit) + "\n")
  const reserved = join(directory, EXIT_RESERVED)
  const file = await open(reserved, "r+").catch(() => open(reserved, "w", 0o600))
  try {
    for (let at = 0; at < data.length;) at += (await file.write(data, at, data.length - at, at)).bytesWritten
    await file.truncate(data.length)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(reserved, join(directory, EXIT))
  const parent = await open(directory, "r")
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
}

const decodeSession = Schema.decodeUnknownOption(Schema.fromJsonString(SessionFile))
const decodeExit = Schema.decodeUnknownOption(Schema.fromJsonString(ExitFile))

/** What `session.json` says; null when it isn't there or is damaged. */
export const readSessionFile = (directory: string): SessionFile | null =>
  Option.getOrNull(decodeSession(readText(join(directory, SESSION))))

/** What `exit.json` says; null when it isn't there or is damaged. */
export const readExitFile = (directory: string): ExitFile | null =>
  Option.getOrNull(decodeExit(readText(join(directory, EXIT))))

const readText = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Deletes a session's directory; false when there is none. */
export const deleteSessionDirectory = async (directory: string): Promise<boolean> => {
  try {
    await stat(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false
    throw error
  }
  // Again where the screens process made a file meanwhile.
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  return true
}
