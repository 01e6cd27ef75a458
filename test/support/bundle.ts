/** Programs of the tests, and our own, as single files: from source each start costs half a second of a processor. */
import { copyFileSync, mkdtempSync, realpathSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { build } from "rolldown"

const root = resolve(import.meta.dirname, "../..")

/** A program of the tests in one file in the directory: for tests that start it again and again. Gives the file. */
export const bundle = async (entry: string, directory: string): Promise<string> => {
  const file = join(directory, `${basename(entry, ".ts")}.mjs`)
  await build({
    input: entry,
    platform: "node",
    logLevel: "warn",
    output: { file, format: "esm", codeSplitting: false }
  })
  return file
}

/** The session-host and its screens process, of the sources as they are, beside one another. Gives the host's entry. */
const buildHost = async (): Promise<string> => {
  const directory = mkdtempSync(join(tmpdir(), "hob-built-"))
  copyFileSync(join(root, "package.json"), join(directory, "package.json"))
  symlinkSync(realpathSync(join(root, "node_modules")), join(directory, "node_modules"))
  for (const [name, folder] of [
    ["host", "sessionhost"],
    ["screens", "screens"]
  ] as const) {
    await build({
      input: join(root, "src", folder, "main.ts"),
      platform: "node",
      logLevel: "warn",
      external: ["node-pty", /\.node$/],
      output: { file: join(directory, "dist", `${name}.js`), format: "esm", codeSplitting: false }
    })
  }
  return join(directory, "dist", "host.js")
}

let host: Promise<string> | undefined

/** The entry of a session-host that is built once for a test file, from its sources. */
export const builtHost = (): Promise<string> => (host ??= buildHost())
