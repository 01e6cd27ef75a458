import { join } from "node:path"
import { fileURLToPath } from "node:url"

const fromSource = import.meta.url.endsWith(".ts")

const sources = {
  hob: "../cli/main.ts",
  daemon: "../daemon/main.ts",
  host: "../sessionhost/main.ts",
  screens: "../screens/main.ts",
  methodWorker: "../methodWorker/main.ts"
} as const

/** The file that Node runs to be this process: beside us in the built package, under `src` when run from source. */
export const entrypoint = (name: keyof typeof sources): string =>
  fileURLToPath(new URL(fromSource ? sources[name] : `./${name}.js`, import.meta.url))

/** Where hob is installed: the directory of its `package.json`. */
export const packageRoot = (): string => fileURLToPath(new URL(fromSource ? "../.." : "..", import.meta.url))

/** The program `hob` itself, as people and hooks call it. */
export const ownBinary = (): string => join(packageRoot(), "bin", "hob")
