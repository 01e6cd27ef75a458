import { execFile } from "node:child_process"
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { VERSION } from "../../src/config/version.ts"
import type { Home, Ran } from "./home.ts"

const root = resolve(import.meta.dirname, "../..")

/** Another build of hob, installed beside the one under test. */
export interface OtherBuild {
  readonly directory: string
  readonly file: (name: string) => string
  /** Runs its `hob ARGS…` on the home. */
  readonly hob: (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) => Promise<Ran>
}

export interface OtherBuildOptions {
  readonly version?: string
  /** What its build was made from. */
  readonly build?: string
  /** Files of its `dist` that are something else. */
  readonly files?: Readonly<Record<string, string>>
}

/** Copies what was built, as another version or another build of the same one, into the home's surroundings. */
export const otherBuild = (home: Home, { build, files = {}, version = VERSION }: OtherBuildOptions): OtherBuild => {
  const directory = mkdtempSync(join(dirname(home.paths.home), "other-"))
  cpSync(join(root, "dist"), join(directory, "dist"), { recursive: true })
  cpSync(join(root, "bin"), join(directory, "bin"), { recursive: true })
  symlinkSync(realpathSync(join(root, "node_modules")), join(directory, "node_modules"))
  const file = (name: string) => join(directory, "dist", name)
  const quoted = new RegExp(`([\`"'])${VERSION.replaceAll(".", "\\.")}\\1`, "g")
  for (const name of readdirSync(join(directory, "dist"))) {
    if (!/\.c?js$/.test(name)) continue
    writeFileSync(file(name), readFileSync(file(name), "utf8").replaceAll(quoted, `"${version}"`))
  }
  const manifest = readFileSync(join(root, "package.json"), "utf8")
  writeFileSync(join(directory, "package.json"), manifest.replace(`"version": "${VERSION}"`, `"version": "${version}"`))
  if (build !== undefined) writeFileSync(file(".built-from"), build)
  for (const [name, text] of Object.entries(files)) writeFileSync(file(name), text)
  const binary = join(directory, "bin/hob")
  chmodSync(binary, 0o755)
  return {
    directory,
    file,
    hob: (args, env = {}) =>
      new Promise((done) => {
        const child = execFile(
          binary,
          [...args],
          { env: { ...home.env, ...env }, encoding: "utf8", maxBuffer: 256 * 1024 * 1024, cwd: directory },
          (_error, stdout, stderr) => done({ code: child.exitCode, signal: child.signalCode, stdout, stderr })
        )
        child.stdin?.end()
      })
  }
}
