import { type Stats, readFileSync } from "node:fs"
import { access, constants, stat } from "node:fs/promises"
import { isAbsolute, resolve } from "node:path"
import { Answering, NoAnswer } from "./Answering.ts"
import { execFormat } from "./execFormat.ts"
import { SpawnError } from "./program.ts"

/** What a shell searches where the environment has no PATH. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
/** The longest single argument or variable that Linux passes on, its final NUL included. */
const longestString = 128 * 1024
const deadlineMillis = 5_000
/** A script's interpreter may be a script; Linux follows as many. */
const mostInterpreters = 4

export type Preflight = (
  command: ReadonlyArray<string>,
  cwd: string,
  env: Readonly<Record<string, string>>
) => Promise<string>

/**
 * Finds the executable of `command`, by the PATH of `env` and from `cwd`, and resolves to its absolute path. Rejects
 * with the {@link SpawnError} that tells what would go wrong: once a program's process exists, its start can't fail
 * any more with a reason, it can only end. Never waits for ever for a file system.
 */
export const makePreflight =
  (answering: Answering): Preflight =>
  async (command, cwd, env) => {
    checkStrings(command, env)
    await checkDirectory(answering, cwd)
    const name = command[0]!
    try {
      return await findExecutable(answering, name, cwd, env)
    } catch (error) {
      throw error instanceof NoAnswer ? new SpawnError("system", name, error.message, { cause: error }) : error
    }
  }

export const preflight: Preflight = makePreflight(new Answering(deadlineMillis))

const checkStrings = (command: ReadonlyArray<string>, env: Readonly<Record<string, string>>): void => {
  if (command.length === 0 || command[0] === "")
    throw new SpawnError("empty-command", "", "There is no command to run.")
  let total = 0
  const count = (text: string) => {
    const bytes = Buffer.byteLength(text) + 1
    total += bytes + 8
    return bytes
  }
  for (const argument of command) {
    const shown = argument.length > 60 ? `${argument.slice(0, 60)}…` : argument
    if (argument.includes("\0")) throw new SpawnError("bad-argument", shown, "An argument contains a NUL character.")
    if (count(argument) > longestString) {
      throw new SpawnError("bad-argument", shown, `An argument is longer than ${longestString - 1} bytes.`)
    }
  }
  for (const [name, value] of Object.entries(env)) {
    const shown = JSON.stringify(name)
    if (name === "" || /[=\0]/.test(name)) {
      throw new SpawnError("bad-environment", name, `${shown} can't be the name of an environment variable.`)
    }
    if (value.includes("\0")) {
      throw new SpawnError("bad-environment", name, `The environment variable ${shown} contains a NUL character.`)
    }
    if (count(name) + count(value) > longestString) {
      throw new SpawnError(
        "bad-environment",
        name,
        `The environment variable ${shown} is longer than ${longestString - 1} bytes.`
      )
    }
  }
  const most = mostArgumentBytes()
  if (total > most) {
    const detail = `Arguments and environment have ${total} bytes together; the system passes on ${most}.`
    throw new SpawnError("bad-argument", command[0]!, detail)
  }
}

let argumentBytes: number | undefined

/** A quarter of the stack's limit, at most 6 MiB, less a page: execve(2). This process's own never changes. */
const mostArgumentBytes = (): number => (argumentBytes ??= findArgumentBytes())

const findArgumentBytes = (): number => {
  let stack = 8 * 1024 * 1024
  try {
    const limit = /^Max stack size\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1]
    if (limit !== undefined) stack = limit === "unlimited" ? Infinity : Number(limit)
  } catch {
    // Not Linux: the usual limit.
  }
  return Math.max(Math.min(stack / 4, 6 * 1024 * 1024), longestString) - 4096
}

const checkDirectory = async (answering: Answering, cwd: string): Promise<void> => {
  const fail = (reason: SpawnError["reason"], why: string, cause?: unknown) =>
    new SpawnError(reason, cwd, `The working directory ${JSON.stringify(cwd)} ${why}.`, { cause })
  if (!isAbsolute(cwd) || cwd.includes("\0")) throw fail("cwd-missing", "is not an absolute path")
  try {
    const found = await answering.ask(cwd, (path) => stat(path))
    if (!found.isDirectory()) throw fail("cwd-not-a-directory", "is not a directory")
    await answering.ask(cwd, (path) => access(path, constants.X_OK))
  } catch (error) {
    if (error instanceof SpawnError) throw error
    if (error instanceof NoAnswer) throw new SpawnError("cwd-no-answer", cwd, error.message, { cause: error })
    switch ((error as NodeJS.ErrnoException).code) {
      case "ENOENT":
        throw fail("cwd-missing", "does not exist", error)
      case "ENOTDIR":
        throw fail("cwd-not-a-directory", "has a part that is not a directory", error)
      case "EACCES":
      case "EPERM":
        throw fail("cwd-unreadable", "can't be entered: permission denied", error)
      default:
        throw fail("cwd-unreadable", `can't be entered: ${(error as Error).message}`, error)
    }
  }
}

const findExecutable = async (
  answering: Answering,
  name: string,
  cwd: string,
  env: Readonly<Record<string, string>>
): Promise<string> => {
  const searched = name.includes("/") ? null : (env["PATH"] ?? DEFAULT_PATH)
  const candidates =
    searched === null ? [resolve(cwd, name)] : searched.split(":").map((entry) => resolve(cwd, entry, name))
  let refused: SpawnError | undefined
  for (const candidate of candidates) {
    const problem = await problemOf(answering, candidate, name)
    if (problem === null) {
      await checkFormat(answering, candidate, name, cwd, mostInterpreters)
      return candidate
    }
    if (problem !== "missing") refused ??= problem
  }
  if (refused !== undefined) throw refused
  const where =
    searched === null
      ? `${candidates[0]} does not exist`
      : `it is in no directory of the PATH ${JSON.stringify(searched)}`
  throw new SpawnError("command-not-found", name, `${JSON.stringify(name)} was not found: ${where}.`)
}

/** Why `file` can't be executed, as its name and mode tell; null when it can. */
const problemOf = async (answering: Answering, file: string, name: string): Promise<SpawnError | "missing" | null> => {
  const refuse = (why: string, cause?: unknown) =>
    new SpawnError("not-executable", name, `${file} can't be executed: ${why}.`, { cause })
  let found: Stats
  try {
    found = await answering.ask(file, (path) => stat(path))
    if (found.isDirectory()) return refuse("it is a directory")
    if (!found.isFile()) return refuse("it is not a file")
    await answering.ask(file, (path) => access(path, constants.X_OK))
    return null
  } catch (error) {
    if (error instanceof NoAnswer) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return "missing"
    return refuse(code === "EACCES" ? "permission denied" : (error as Error).message, error)
  }
}

const checkFormat = async (
  answering: Answering,
  file: string,
  name: string,
  cwd: string,
  depth: number
): Promise<void> => {
  const format = await answering.ask(file, execFormat)
  if (format.kind === "fine") return
  const refuse = (why: string) => new SpawnError("not-executable", name, `${file} can't be executed: ${why}.`)
  if (format.kind === "foreign") throw refuse(format.detail)
  if (depth === 0) throw refuse("its interpreters are scripts without end")
  const interpreter = resolve(cwd, format.path)
  const problem = await problemOf(answering, interpreter, name)
  const called = `its ${format.by} ${JSON.stringify(format.path)}`
  if (problem === "missing") throw refuse(`${called} does not exist`)
  if (problem !== null) throw refuse(`${called} can't be executed`)
  // What a loader needs itself is its own affair: it has none.
  if (format.by === "interpreter") await checkFormat(answering, interpreter, name, cwd, depth - 1)
}
