import { Option, Schema } from "effect"
import { accessSync, constants, existsSync, readFileSync, realpathSync } from "node:fs"
import { createRequire, isBuiltin } from "node:module"
import { delimiter, dirname, join } from "node:path"
import { packageRoot } from "../../config/entrypoints.ts"
import { ownBuild } from "../../config/versions.ts"
import { loginShell, placeOf } from "../completions/places.ts"
import type { Shell } from "../completions/script.ts"
import type { InstallationFact, ShellFact } from "./snapshot.ts"

type Env = Readonly<Record<string, string | undefined>>

const Package = Schema.Struct({
  version: Schema.optionalKey(Schema.String),
  dependencies: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  optionalDependencies: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})
const decodePackage = Schema.decodeUnknownOption(Schema.fromJsonString(Package))

const packageAt = (path: string): typeof Package.Type | null => {
  try {
    return Option.getOrNull(decodePackage(readFileSync(path, "utf8")))
  } catch {
    return null
  }
}

/** What of hob is installed here, and what it stands on. */
export const probeInstallation = (): InstallationFact => {
  const root = packageRoot()
  const require = createRequire(join(root, "package.json"))
  const own = packageAt(join(root, "package.json"))
  const fileOf = (name: string): string | null => {
    try {
      return require.resolve(`${name}/package.json`)
    } catch {
      return null
    }
  }
  const found = (name: string): string | null => {
    const file = fileOf(name)
    return file === null ? null : (packageAt(file)?.version ?? null)
  }
  const wanted = Object.entries({ ...own?.dependencies, ...own?.optionalDependencies })
  return {
    ...ownBuild,
    node: process.version,
    program: process.execPath,
    packages: wanted.map(([name, version]) => ({ name, wanted: version, found: found(name) })),
    terminalProblem: opensTerminals ? null : terminalProblem(fileOf("node-pty"), require)
  }
}

/** Whether the session-host opens terminals itself, and needs no node-pty. */
const opensTerminals = process.platform === "linux" && ["x64", "arm64"].includes(process.arch) && isBuiltin("node:ffi")

/** Whether node-pty's native module can be loaded: the same places in which the session-host looks. */
const terminalProblem = (file: string | null, require: NodeJS.Require): string | null => {
  const without = "sessions have no terminal, only `hob run --pipe` works."
  if (file === null) return `The optional package node-pty is not installed: ${without}`
  const binaries = ["build/Release", `prebuilds/${process.platform}-${process.arch}`]
    .map((directory) => join(dirname(file), directory, "pty.node"))
    .filter((path) => existsSync(path))
  let last = `it has no binary for ${process.platform}-${process.arch}`
  for (const binary of binaries) {
    try {
      require(binary)
      return null
    } catch (error) {
      last = (error as Error).message
    }
  }
  return `node-pty can't be loaded (${last}): ${without}`
}

/** What a shell finds; `script` makes the completions of this version. */
export const probeShell = (env: Env, script: (shell: Shell) => string): ShellFact => {
  const shell = loginShell(env)
  return {
    found: findProgram(env["PATH"] ?? "", "hob"),
    own: real(join(packageRoot(), "bin", "hob")),
    name: shell,
    completions: shell === null ? null : installedCompletions(shell, env, script)
  }
}

const installedCompletions = (shell: Shell, env: Env, script: (shell: Shell) => string): ShellFact["completions"] => {
  const { path } = placeOf(shell, env)
  try {
    return { path, current: readFileSync(path, "utf8") === script(shell) }
  } catch {
    return null
  }
}

const real = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

const findProgram = (path: string, name: string): string | null => {
  for (const directory of path.split(delimiter)) {
    const file = join(directory, name)
    try {
      accessSync(file, constants.X_OK)
      return real(file)
    } catch {
      // not here
    }
  }
  return null
}
