/** A file of somebody else's, read and written so that nothing of it is harmed. */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync
} from "node:fs"
import { dirname } from "node:path"

/** The file stays as it is; the message says why, without the agent's name. */
export class LeftAlone extends Error {
  override readonly name = "LeftAlone"
}

export interface Given {
  /** As it is named. */
  readonly file: string
  /** Where it is: links are followed, as people have who keep their configuration elsewhere. */
  readonly target: string
  readonly text: string
  /** Null where it is not there. */
  readonly found: Stats | null
  readonly isLink: boolean
}

const MOST_BYTES = 16 * 1024 * 1024

/** Errors of the system, as reasons. */
export const reasons: Readonly<Record<string, string>> = {
  EACCES: "you may not change it",
  EPERM: "you may not change it",
  EROFS: "it is on a file system that can't be written",
  ENOSPC: "the disk is full",
  ELOOP: "it is a link to itself",
  ENOTDIR: "its directory is none"
}

/** What the system said, as a reason to leave the file alone. */
const guarded = <A>(file: string, act: () => A): A => {
  try {
    return act()
  } catch (error) {
    if (error instanceof LeftAlone) throw error
    const { code = "", message } = error as NodeJS.ErrnoException
    throw new LeftAlone(`${file} is left as it is: ${reasons[code] ?? message}.`, { cause: error })
  }
}

/** Reads a text; one that is not there is empty. Throws {@link LeftAlone} of what hob would not dare to write. */
export const readGiven = (file: string): Given =>
  guarded(file, () => {
    const named = lstatSync(file, { throwIfNoEntry: false })
    const isLink = named?.isSymbolicLink() === true
    if (named === undefined) return { file, target: file, text: "", found: null, isLink }
    const found = statSync(file, { throwIfNoEntry: false })
    if (found === undefined) throw new LeftAlone(`${file} is a link that leads nowhere: it is left as it is.`)
    if (!found.isFile()) throw new LeftAlone(`${file} is no file: it is left as it is.`)
    if (found.size > MOST_BYTES) throw new LeftAlone(`${file} is larger than 16 MiB: it is left as it is.`)
    const bytes = readFileSync(file)
    const text = bytes.toString("utf8")
    if (!Buffer.from(text).equals(bytes)) throw new LeftAlone(`${file} is not UTF-8: it is left as it is.`)
    return { file, target: realpathSync(file), text, found, isLink }
  })

/** What somebody has made read-only is meant to stay, also where this process could change it all the same. */
const checkWritable = ({ file, found }: Given): void => {
  if (found !== null && (found.mode & 0o222) === 0) throw new LeftAlone(`${file} is read-only: it is left as it is.`)
}

/** An agent writes its configuration too. */
const checkUnchanged = ({ file, found, target, text }: Given): void => {
  const now = found === null ? lstatSync(target, { throwIfNoEntry: false }) : readFileSync(target, "utf8")
  if (found === null ? now !== undefined : now !== text)
    throw new LeftAlone(`${file} was changed by somebody else just now. Try again.`)
}

/** In one step, with the same mode and owner; one of several names of a file stays that. */
export const replaceGiven = (given: Given, text: string): void =>
  guarded(given.file, () => {
    checkWritable(given)
    const { found, target } = given
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    if (found !== null && found.nlink > 1) {
      checkUnchanged(given)
      return writeFileSync(target, text)
    }
    const temporary = `${target}.hob-${process.pid}`
    try {
      writeFileSync(temporary, text, { mode: found === null ? 0o600 : found.mode & 0o7777, flag: "wx" })
      if (found !== null) chmodSync(temporary, found.mode & 0o7777)
      if (found !== null && found.uid !== process.getuid?.()) chownSync(temporary, found.uid, found.gid)
      checkUnchanged(given)
      renameSync(temporary, target)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
  })

/** Takes away what is empty now; `text` stays where there is a link to it. */
export const removeGiven = (given: Given, text: string): void =>
  guarded(given.file, () => {
    if (given.isLink) return replaceGiven(given, text)
    checkWritable(given)
    checkUnchanged(given)
    rmSync(given.target)
  })
