// What dist was built from. Plain JavaScript for Node 20: setup runs before the right Node is there.
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const stampFile = join(root, "dist", ".built-from")

const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? filesBelow(path) : [path]
    })

/** One string for everything that the build reads. */
export const fingerprint = () => {
  const hash = createHash("sha256")
  const inputs = ["package.json", "package-lock.json", "tsconfig.json", "scripts/build.mjs"].map((file) =>
    join(root, file)
  )
  for (const file of [...inputs, ...filesBelow(join(root, "src"))]) {
    if (!existsSync(file)) continue
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update("\0")
  }
  return hash.digest("hex")
}

export const isFresh = () => existsSync(stampFile) && readFileSync(stampFile, "utf8") === fingerprint()
