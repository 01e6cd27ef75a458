/** Writes the pages of docs/ that the code says; `--check` only compares and fails when one is stale. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { commandsPage } from "./reference/commands.ts"
import { configPage } from "./reference/config.ts"
import { protocolPages } from "./reference/protocol.ts"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")

/** Every generated page, by its path in the repository. */
export const generatedPages = async (): Promise<ReadonlyMap<string, string>> =>
  new Map([...(await protocolPages()), ["docs/commands.md", await commandsPage()], ["docs/config.md", configPage()]])

/** The generated pages that are not on disk as the code would write them now. */
export const stalePages = async (): Promise<ReadonlyArray<string>> =>
  [...(await generatedPages())].flatMap(([path, content]) => (onDisk(path) === content ? [] : [path]))

const onDisk = (path: string): string | undefined => {
  try {
    return readFileSync(join(root, path), "utf8")
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  const stale = await stalePages()
  if (process.argv.includes("--check")) {
    for (const path of stale) console.error(`${path} is stale: npm run docs`)
    process.exitCode = stale.length === 0 ? 0 : 1
  } else {
    for (const [path, content] of await generatedPages()) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    }
    console.log(stale.length === 0 ? "docs are in step" : `written: ${stale.join(", ")}`)
  }
}
