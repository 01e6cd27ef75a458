/** Puts hob's lines into the hooks of a repository, and takes them out. */
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { join, resolve } from "node:path"
import { captureChoicePath } from "../../config/capturePaths.ts"
import { findWorkTree, type WorkTree } from "../../config/workTree.ts"
import { ExitCode, Fault } from "../exit.ts"
import { oneLine } from "../render/text.ts"
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

/** Puts a file in place in one step, executable. */
const put = (path: string, text: string): void => {
  const temporary = `${path}.hob-${process.pid}`
  writeFileSync(temporary, text, { mode: 0o755 })
  chmodSync(temporary, 0o755)
  renameSync(temporary, path)
}

const present = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

const installHook = (directory: string, name: GitHookName, hob: string): void => {
  const path = join(directory, name)
  if (!present(path)) return put(path, withBlock(null, name, hob))
  const isLink = lstatSync(path).isSymbolicLink()
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
  const text = bytes.toString("utf8")
  const isText = Buffer.from(text).equals(bytes)
  if (!isLink && isWrapping(text)) return put(path, wrapping(name, hob))
  const isOn = (lstatSync(path).mode & 0o111) !== 0
  if (!isLink && isOn && isText && isShellScript(text)) return put(path, withBlock(text, name, hob))
  // Another language, a link to what others use too, or one that is switched off: it is called behind hob's lines, or not.
  renameSync(path, `${path}${ASIDE}`)
  put(path, wrapping(name, hob))
}

const uninstallHook = (directory: string, name: GitHookName): boolean => {
  const path = join(directory, name)
  if (!existsSync(path) || lstatSync(path).isSymbolicLink()) return false
  const text = readFileSync(path, "utf8")
  if (!hasBlock(text)) return false
  if (isWrapping(text) && present(`${path}${ASIDE}`)) {
    renameSync(`${path}${ASIDE}`, path)
    return true
  }
  const rest = withoutBlock(text)
  if (rest === null) rmSync(path)
  else put(path, rest)
  return true
}

/** The hooks that a choice needs. */
const needed = ({ stage }: Choice): ReadonlyArray<GitHookName> =>
  gitHookNames.filter((name) => name !== "pre-commit" || stage)

/** What was done, a sentence each. */
export const installGitHooks = (tree: WorkTree, choice: Choice, hob: string): ReadonlyArray<string> => {
  const directory = hooksDirectory(tree)
  mkdirSync(directory, { recursive: true })
  const names = needed(choice)
  for (const name of gitHookNames) {
    if (names.includes(name)) installHook(directory, name, hob)
    else uninstallHook(directory, name)
  }
  const file = captureChoicePath(tree.commonDirectory)
  writeFileSync(`${file}.tmp`, `${JSON.stringify(choice)}\n`, { mode: 0o600 })
  renameSync(`${file}.tmp`, file)
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
  const removed = gitHookNames.filter((name) => uninstallHook(directory, name))
  const file = captureChoicePath(tree.commonDirectory)
  const wasChosen = existsSync(file)
  rmSync(file, { force: true })
  return removed.length > 0 || wasChosen ? [oneLine(`${realpathSync(tree.root)}: commits save nothing any more`)] : []
}
