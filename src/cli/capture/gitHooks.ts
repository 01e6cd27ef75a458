/** Puts hob's lines into the hooks of a repository, and takes them out. */
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { join, resolve } from "node:path"
import { captureChoicePath } from "../../config/capturePaths.ts"
import { findWorkTree, type WorkTree } from "../../config/workTree.ts"
import { ExitCode, Fault } from "../exit.ts"
import { oneLine } from "../render/text.ts"
import { reasons } from "./givenFile.ts"
import {
  ASIDE,
  gitHookNames,
  type GitHookName,
  hasBlock,
  isShellScript,
  isWrapping,
  withBlock,
  withoutBlock,
  wrapping
} from "./hookScript.ts"

export interface Choice {
  readonly destination: "prompts" | "notes"
  readonly stage: boolean
  readonly markdown: boolean
}

/** The work tree, or a fault that says why there is none. */
export const workTreeOf = (directory: string): WorkTree => {
  const tree = findWorkTree(resolve(directory))
  if (typeof tree !== "string") return tree
  const why = {
    bare: "is a repository without a work tree",
    missing: "is not there",
    none: "is not in a git work tree"
  }[tree]
  throw new Fault(ExitCode.usage, `${directory} ${why}.`, "`--repo DIR` names another one.")
}

/** Where git looks for hooks: `core.hooksPath` too. */
const hooksDirectory = ({ root }: WorkTree): string => {
  try {
    const path = execFileSync("git", ["rev-parse", "--git-path", "hooks"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"]
    })
    return resolve(root, path.replace(/\n$/, ""))
  } catch (cause) {
    throw new Fault(
      ExitCode.failure,
      `git does not say where the hooks of ${root} are: ${String((cause as { stderr?: string }).stderr ?? (cause as Error).message).trim()}`,
      "Is git installed?",
      { cause }
    )
  }
}

/** What the system said, as a sentence about a file. */
const guarded = <A>(path: string, act: () => A): A => {
  try {
    return act()
  } catch (error) {
    if (error instanceof Fault) throw error
    const { code = "", message } = error as NodeJS.ErrnoException
    // What some calls say of an error has lost its name.
    const name = code in reasons ? code : /read-only file system/i.test(message) ? "EROFS" : code
    throw new Fault(
      ExitCode.failure,
      oneLine(`${path} could not be changed: ${reasons[name] ?? message}.`),
      "Once that is mended, run the same command again.",
      { cause: error }
    )
  }
}

/** Puts a file in place in one step. */
const put = (path: string, text: string, mode = 0o755): void => {
  const temporary = `${path}.hob-${process.pid}`
  try {
    writeFileSync(temporary, text, { mode })
    chmodSync(temporary, mode)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

const present = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

const installHook = (directory: string, name: GitHookName, hob: string): void => {
  const path = join(directory, name)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return put(path, withBlock(null, name, hob))
  const isLink = found.isSymbolicLink()
  if (!isLink && !found.isFile()) {
    throw new Fault(ExitCode.failure, oneLine(`${path} is no file: it is left as it is.`), "Move it away first.")
  }
  const mode = found.mode & 0o7777
  const bytes = isLink ? Buffer.alloc(0) : readFileSync(path)
  const text = bytes.toString("utf8")
  const isText = Buffer.from(text).equals(bytes)
  if (!isLink && isWrapping(text)) return put(path, wrapping(name, hob), mode)
  const isOn = (mode & 0o111) !== 0
  // One in which nothing stands could not be told from hob's own when it is taken away.
  const isKept = hasBlock(text) || withoutBlock(text) !== null
  if (!isLink && isOn && isText && isKept && isShellScript(text)) return put(path, withBlock(text, name, hob), mode)
  // Another language, a link to what others use too, or one that is switched off: it is called behind hob's lines, or not.
  const aside = `${path}${ASIDE}`
  if (present(aside)) {
    throw new Fault(
      ExitCode.failure,
      oneLine(`${path} would have to be kept as ${aside}, and another one is there: both are left as they are.`),
      "Somebody has replaced the hook since hob was installed. Move the one away that is not needed any more."
    )
  }
  renameSync(path, aside)
  try {
    put(path, wrapping(name, hob))
  } catch (error) {
    renameSync(aside, path)
    throw error
  }
}

const uninstallHook = (directory: string, name: GitHookName): boolean => {
  const path = join(directory, name)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isFile() !== true) return false
  const text = readFileSync(path, "utf8")
  if (!hasBlock(text)) return false
  if (isWrapping(text) && present(`${path}${ASIDE}`)) {
    renameSync(`${path}${ASIDE}`, path)
    return true
  }
  const rest = withoutBlock(text)
  if (rest === null) rmSync(path)
  else put(path, rest, found.mode & 0o7777)
  return true
}

/** The hooks that a choice needs. */
const needed = ({ stage }: Choice): ReadonlyArray<GitHookName> =>
  gitHookNames.filter((name) => name !== "pre-commit" || stage)

/** What stands in the file of the choice beside it. */
interface Kept extends Choice {
  /** The directory of the hooks was not there before. */
  readonly madeDirectory?: boolean
}

const readKept = (file: string): Partial<Kept> => {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Partial<Kept>
  } catch {
    return {}
  }
}

/** What was done, a sentence each. */
export const installGitHooks = (tree: WorkTree, choice: Choice, hob: string): ReadonlyArray<string> => {
  const directory = hooksDirectory(tree)
  const file = captureChoicePath(tree.commonDirectory)
  const hadDirectory = existsSync(directory)
  guarded(directory, () => mkdirSync(directory, { recursive: true }))
  const names = needed(choice)
  for (const name of gitHookNames) {
    guarded(join(directory, name), () => {
      if (names.includes(name)) installHook(directory, name, hob)
      else uninstallHook(directory, name)
    })
  }
  const madeDirectory = !hadDirectory || readKept(file).madeDirectory === true
  const kept: Kept = { ...choice, ...(madeDirectory ? { madeDirectory } : {}) }
  guarded(file, () => put(file, `${JSON.stringify(kept)}\n`, 0o600))
  const where =
    choice.destination === "notes"
      ? "notes of git (refs/notes/prompts)"
      : choice.stage
        ? ".prompts/, in the commit itself"
        : ".prompts/"
  return [
    oneLine(
      `${tree.root}: each commit saves what was captured since the last one, to ${where} (${names.join(", ")} in ${directory})`
    )
  ]
}

export const uninstallGitHooks = (tree: WorkTree): ReadonlyArray<string> => {
  const directory = hooksDirectory(tree)
  const removed = gitHookNames.filter((name) => guarded(join(directory, name), () => uninstallHook(directory, name)))
  const file = captureChoicePath(tree.commonDirectory)
  const wasChosen = existsSync(file)
  const madeDirectory = wasChosen && readKept(file).madeDirectory === true
  guarded(file, () => rmSync(file, { force: true }))
  if (madeDirectory && existsSync(directory) && readdirSync(directory).length === 0) {
    guarded(directory, () => rmdirSync(directory))
  }
  return removed.length > 0 || wasChosen ? [oneLine(`${realpathSync(tree.root)}: commits save nothing any more`)] : []
}
