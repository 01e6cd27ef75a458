import { copyFileSync, cpSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { VERSION } from "../../../src/config/version.ts"
import type { HelloReply, HostReply } from "../../../src/protocol/sessionHost.ts"
import { builtHost } from "../../support/bundle.ts"
import type { HostHome } from "./hostProcess.ts"
import type { Control } from "./peers.ts"

export interface UpgradeFields {
  readonly entry?: string
  readonly node?: string
  readonly version?: string
  readonly check?: boolean
}

/** Without fields: by this very version of the host. */
const request = async (fields: UpgradeFields) => ({
  entry: await builtHost(),
  node: process.execPath,
  version: VERSION,
  ...fields
})

/** Has the host replace itself; the successor's answer. */
export const upgrade = async (control: Control, fields: UpgradeFields = {}): Promise<HelloReply> =>
  control.ask<HelloReply>("upgrade", await request(fields))

/** The answer, whatever it is. */
export const tryUpgrade = async (control: Control, fields: UpgradeFields = {}): Promise<HostReply> =>
  control.request("upgrade", await request(fields))

/** A file that is run as a successor. */
export const successor = (home: HostHome, source: string): string => {
  const file = join(mkdtempSync(join(home.home, "successor-")), "host.mjs")
  writeFileSync(file, source)
  return file
}

/** The arguments of a program that prints numbered lines, `every` milliseconds, for as long as it runs. */
export const counter = (every: number): ReadonlyArray<string> => [
  process.execPath,
  "-e",
  `let n = 0; setInterval(() => { let t = ""; for (let i = 0; i < 20; i++) t += "line " + n++ + "\\n"; process.stdout.write(t) }, ${every})`
]

/** What is wrong with numbered lines: null when each is there, once, in order. */
export const misnumbered = (output: Buffer): string | null => {
  const lines = output.toString("latin1").split(/\r?\n/)
  lines.pop()
  const wrong = lines.findIndex((line, index) => line !== `line ${index}`)
  return wrong < 0 ? null : `line ${wrong} is ${JSON.stringify(lines[wrong])}`
}

/** A host of another version: our source with some of it replaced. Gives its entry. */
export const variant = (
  home: HostHome,
  edits: ReadonlyArray<readonly [file: string, from: string, to: string]>
): string => {
  const root = mkdtempSync(join(home.home, "variant-"))
  const source = resolve(import.meta.dirname, "../../..")
  cpSync(join(source, "src"), join(root, "src"), { recursive: true })
  copyFileSync(join(source, "package.json"), join(root, "package.json"))
  symlinkSync(realpathSync(join(source, "node_modules")), join(root, "node_modules"))
  for (const [file, from, to] of edits) {
    const path = join(root, "src", file)
    const text = readFileSync(path, "utf8")
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
    writeFileSync(path, text.replace(from, to))
  }
  return join(root, "src/sessionhost/main.ts")
}
