import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { SpawnError } from "./program.ts"

/**
 * The part of node-pty that is used: its native module. Its JavaScript is not loaded: it loses output at exit, writes
 * to descriptors it has closed, and busy-waits on input that nobody reads.
 */
export interface NativePty {
  /**
   * Forks a program under a new terminal. `pty` is the path of the slave; the master `fd` is non-blocking and
   * inheritable. `onexit` gets the exit code and the signal's number, one of them 0.
   */
  readonly fork: (
    file: string,
    args: ReadonlyArray<string>,
    env: ReadonlyArray<string>,
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onexit: (code: number, signal: number) => void
  ) => { readonly fd: number; readonly pid: number; readonly pty: string }
  readonly resize: (fd: number, cols: number, rows: number, xPixels: number, yPixels: number) => void
}

export interface LoadedPty {
  readonly native: NativePty
  /** macOS starts programs through this executable. */
  readonly helperPath: string
}

/**
 * Loads the native module out of the installed package, or throws a {@link SpawnError} `pty-unavailable` that says what
 * to do. Also from a bundle: the package is looked for from this file upwards.
 */
export const loadNativePty = (packageName = "node-pty"): LoadedPty => {
  const require = createRequire(import.meta.url)
  const platform = `${process.platform}-${process.arch}`
  let root: string
  try {
    root = dirname(require.resolve(`${packageName}/package.json`))
  } catch (cause) {
    throw unavailable(`the optional package ${packageName} is not installed`, cause)
  }
  const directories = ["build/Release", `prebuilds/${platform}`].map((directory) => join(root, directory))
  let last: unknown
  for (const directory of directories) {
    const file = join(directory, "pty.node")
    if (!existsSync(file)) continue
    try {
      return { native: require(file) as NativePty, helperPath: join(directory, "spawn-helper") }
    } catch (cause) {
      last = cause
    }
  }
  throw last === undefined
    ? unavailable(`${packageName} has no binary for ${platform}`, undefined)
    : unavailable(`${packageName} could not be loaded: ${(last as Error).message}`, last)
}

const unavailable = (why: string, cause: unknown) =>
  new SpawnError(
    "pty-unavailable",
    "node-pty",
    `No terminal can be opened: ${why}. Run \`npm install\` where hob is installed; on a system without a ready-made ` +
      "binary it needs a C++ compiler, make and python3. `hob run --pipe` works without it.",
    { cause }
  )

let loaded: LoadedPty | SpawnError | undefined

/** The module, loaded on first use; a failure is remembered, so that it costs nothing to ask again. */
export const nativePty = (): LoadedPty => {
  if (loaded === undefined) {
    try {
      loaded = loadNativePty()
    } catch (error) {
      loaded = error as SpawnError
    }
  }
  if (loaded instanceof SpawnError) throw loaded
  return loaded
}

/** Why sessions under a terminal can't be started here, as a sentence that says what to do; null when they can. */
export const ptyUnavailable = (): string | null => {
  try {
    nativePty()
    return null
  } catch (error) {
    return (error as Error).message
  }
}
