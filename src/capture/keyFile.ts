/** The key by which captured texts are sealed: a file that only its owner reads. */
import { randomBytes } from "node:crypto"
import { closeSync, constants, fstatSync, linkSync, openSync, readFileSync, unlinkSync, writeFileSync } from "node:fs"
import { KEY_BYTES } from "./seal.ts"

/** The key can't be used. The message names the file and what to do. */
export class KeyUnusable extends Error {
  override readonly name = "KeyUnusable"
}

/** The key; null where there is none. Throws {@link KeyUnusable}. */
export const readKey = (path: string): Uint8Array | null => {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw new KeyUnusable(`${path}: can't be read (${(error as Error).message}).`, { cause: error })
  }
  try {
    const { mode, uid } = fstatSync(fd)
    const self = process.geteuid?.()
    if ((mode & 0o077) !== 0 || (self !== undefined && uid !== self)) {
      throw new KeyUnusable(
        `${path}: others may read it or own it, so it is no secret. Make it yours alone: chmod 600.`
      )
    }
    const key = readFileSync(fd)
    if (key.length === KEY_BYTES) return key
    throw new KeyUnusable(
      `${path}: is not a key of ${KEY_BYTES} bytes. Put the right one in its place: what was sealed with it can't be read otherwise.`
    )
  } finally {
    closeSync(fd)
  }
}

/** The key, made where there is none: never in the place of another one. */
export const readOrMakeKey = (path: string): Uint8Array => {
  const found = readKey(path)
  if (found !== null) return found
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`
  try {
    writeFileSync(temporary, randomBytes(KEY_BYTES), { mode: 0o600, flag: "wx", flush: true })
    try {
      linkSync(temporary, path)
    } finally {
      unlinkSync(temporary)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new KeyUnusable(`${path}: can't be made (${(error as Error).message}).`, { cause: error })
    }
  }
  return readKey(path)!
}
