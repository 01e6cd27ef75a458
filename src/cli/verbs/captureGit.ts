/** What the hooks of git call. They never fail a commit, and never hold one up for long. */
import { execFileSync } from "node:child_process"
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from "node:fs"
import { basename, join } from "node:path"
import { captureChoicePath } from "../../config/capturePaths.ts"
import { findWorkTree, type WorkTree } from "../../config/workTree.ts"
import type { SpoolRecord } from "../../protocol/captureHooks.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode } from "../exit.ts"

export interface CaptureGitOptions {
  readonly hook: string
  /** Of `post-commit`: the commit. */
  readonly commit: string | null
}

/** In the background, behind the commit. */
const BEHIND_MILLIS = 60_000
/** Before it: somebody waits. */
const BEFORE_MILLIS = 5000

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/** `hob capture git HOOK` */
export const captureGit = async (context: Context, { commit, hook }: CaptureGitOptions): Promise<number> => {
  const quiet = { ...context, mayStart: false }
  try {
    const tree = findWorkTree(process.cwd())
    // Hooks of a `core.hooksPath` are called in every repository: only those are meant where capture is installed.
    if (typeof tree === "string" || !existsSync(captureChoicePath(tree.commonDirectory))) return ExitCode.ok
    if (hook === "post-commit" && commit !== null && SHA.test(commit) && isOwnCommit(tree, commit)) {
      await orLeave(quiet, { type: "commit", repository: tree.root as never, commit: commit as never })
    } else if (hook === "pre-commit" && !isInTheMiddle(tree)) await stage(quiet, tree)
    else if (hook === "post-rewrite") {
      const commits = rewritten()
      if (commits.length > 0) await orLeave(quiet, { type: "rewrite", repository: tree.root as never, commits })
    }
  } catch {
    // It would be said in the middle of somebody's commit. `hob logs` and `hob capture status` tell what is not saved.
  }
  return ExitCode.ok
}

const orLeave = async (context: Context, record: Exclude<SpoolRecord, { readonly type: "hook" }>): Promise<void> => {
  const { type, ...params } = record
  try {
    await call(context, type === "commit" ? "capture.save" : "capture.rewrite", params, BEHIND_MILLIS)
  } catch (error) {
    // The daemon has answered: it can't be saved, and its log says why.
    if (error instanceof Error && error.name === "CallError") return
    const { leave } = await import("../spool.ts")
    await leave(context.paths, record)
  }
}

/** Before the commit: what was captured becomes a part of it. */
const stage = async (context: Context, { root }: WorkTree): Promise<void> => {
  // Of `git commit FILE` the index is one that lasts for this commit only: what is staged there would seem deleted behind it.
  if (!/^index(?:\.lock)?$/.test(basename(process.env["GIT_INDEX_FILE"] ?? "index"))) return
  const params = { repository: root, destination: "prompts" }
  const { files } = await call<{ readonly files: ReadonlyArray<string> }>(
    context,
    "capture.save",
    params,
    BEFORE_MILLIS
  )
  if (files.length === 0) return
  execFileSync("git", ["add", "--force", "--", ...files], { cwd: root, stdio: "ignore", timeout: BEFORE_MILLIS })
}

/** A rebase, cherry-pick, merge or revert goes on: commits are not new ones, or not somebody's. */
const isInTheMiddle = ({ gitDirectory }: WorkTree): boolean =>
  ["rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "MERGE_HEAD", "REVERT_HEAD", "sequencer"].some((name) =>
    existsSync(join(gitDirectory, name))
  )

/** Whether somebody has made this commit with `git commit`, as git's own log of HEAD says; a merge is none. */
const isOwnCommit = (tree: WorkTree, commit: string): boolean => {
  const made = tail(join(tree.gitDirectory, "logs", "HEAD")).find((line) => line.split(" ")[1] === commit)
  return made === undefined ? !isInTheMiddle(tree) : /\tcommit(?: \((?:initial|amend)\))?: /.test(made)
}

const TAIL_BYTES = 64 * 1024

/** The last lines of a file. */
const tail = (path: string): ReadonlyArray<string> => {
  try {
    const fd = openSync(path, "r")
    try {
      const { size } = fstatSync(fd)
      const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES))
      readSync(fd, bytes, 0, bytes.length, size - bytes.length)
      return bytes.toString("utf8").split("\n")
    } finally {
      closeSync(fd)
    }
  } catch {
    return []
  }
}

/** `git rebase` and `git commit --amend` tell on standard input what has become what. */
const rewritten = (): ReadonlyArray<{ readonly from: never; readonly to: never }> =>
  readFileSync(0, "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([from = "", to = ""]) => SHA.test(from) && SHA.test(to))
    .map(([from, to]) => ({ from: from as never, to: to as never }))
