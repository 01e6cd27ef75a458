/** Writing into somebody's repository: through no link, whole files or none, open to whom the repository is. Plain Node. */
import { randomBytes } from "node:crypto"
import { constants, type Stats } from "node:fs"
import { chmod, lstat, mkdir, open, rename, stat, unlink } from "node:fs/promises"
import { constants as system } from "node:os"
import { dirname, join } from "node:path"

const { errno } = system

/** Why nothing was written. */
export class NotWritten extends Error {
  override readonly name = "NotWritten"
  readonly reason: "gone" | "refused" | "read-only" | "full" | "system" | "git"
  readonly path: string
  constructor(reason: NotWritten["reason"], path: string, detail: string, cause?: unknown) {
    super(detail, { cause })
    this.reason = reason
    this.path = path
  }
}

const reasons: Readonly<Record<string, readonly [NotWritten["reason"], string]>> = {
  ENOSPC: ["full", "the disk is full"],
  EROFS: ["read-only", "the file system is read-only"],
  EACCES: ["read-only", "hob may not write there"],
  EPERM: ["read-only", "hob may not write there"],
  ENOENT: ["gone", "it is not there any more"],
  ENOTDIR: ["refused", "it lies below something that is no directory"],
  ELOOP: ["refused", "it is a link, and hob writes through none"]
}

/** What the system said, in words. */
export const asNotWritten = (error: unknown, path: string): NotWritten => {
  if (error instanceof NotWritten) return error
  // Node has no name for it.
  if ((error as NodeJS.ErrnoException | null)?.errno === -errno.EDQUOT)
    return new NotWritten("full", path, "your quota of this disk is used up", error)
  const code = (error as NodeJS.ErrnoException | null)?.code ?? ""
  const [reason, detail] = reasons[code] ?? ["system", (error as Error).message]
  return new NotWritten(reason, path, detail, error)
}

const lstatOrNull = async (path: string): Promise<Stats | null> => {
  try {
    return await lstat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw asNotWritten(error, path)
  }
}

/** How open what is written here should be: as the repository's top directory is, whatever the daemon's umask. */
export interface Openness {
  readonly directory: number
  readonly file: number
}

export const opennessOf = async (root: string): Promise<Openness> => {
  try {
    const mode = (await stat(root)).mode & 0o777
    return { directory: mode | 0o700, file: (mode & 0o666) | 0o600 }
  } catch (error) {
    throw asNotWritten(error, root)
  }
}

/** Makes sure that `names`, one below the other, are real directories below `root`. Gives the last one. */
export const directoryBelow = async (root: string, names: ReadonlyArray<string>, mode: Openness): Promise<string> => {
  let path = root
  for (const name of names) {
    path = join(path, name)
    let found = await lstatOrNull(path)
    if (found === null) {
      try {
        await mkdir(path)
        await chmod(path, mode.directory)
        continue
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw asNotWritten(error, path)
        found = await lstatOrNull(path)
      }
    }
    if (found?.isSymbolicLink() === true) {
      throw new NotWritten("refused", path, "it is a link, and hob writes through none. Put a directory in its place.")
    }
    if (found?.isDirectory() !== true) {
      throw new NotWritten("refused", path, "it is no directory. Move it out of the way.")
    }
  }
  return path
}

const TEMPORARY = ".hob-tmp"

/** Puts a file in place in one step; leaves nothing behind where that fails. */
export const writeWhole = async (path: string, text: string, mode: Openness): Promise<void> => {
  const found = await lstatOrNull(path)
  if (found !== null && !found.isFile()) {
    throw new NotWritten("refused", path, "it is no ordinary file. Move it out of the way.")
  }
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}${TEMPORARY}`)
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const file = await open(temporary, flags, 0o600)
    try {
      await file.writeFile(text)
      await file.chmod(mode.file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw asNotWritten(error, path)
  }
}

/** A small file's text; null when there is none. A link is not followed. */
export const readSmall = async (path: string, most: number): Promise<string | null> => {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const found = await file.stat()
      if (!found.isFile() || found.size > most) return null
      return await file.readFile("utf8")
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ELOOP") return null
    throw asNotWritten(error, path)
  }
}
