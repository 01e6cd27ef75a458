import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"
import { fileURLToPath } from "node:url"

/** The repository's root. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")

const ignored = new Set([".git", "node_modules", "dist", "coverage", ".hob", "result"])

const walk = (below: string): ReadonlyArray<string> =>
  readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(below, entry.name)
    if (ignored.has(entry.name)) return []
    return entry.isDirectory() ? walk(path) : [path]
  })

const listed = ((): ReadonlyArray<string> => {
  try {
    const options: ExecFileSyncOptionsWithStringEncoding = {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    }
    return execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], options).split("\0")
  } catch {
    // An unpacked archive, or a machine without git.
    return walk("")
  }
})()

/** Files of the repository (tracked, and new ones that are not ignored) in these folders, relative to its root. */
export const files = (...folders: ReadonlyArray<string>): ReadonlyArray<string> =>
  listed
    .filter((file) => file !== "" && (folders.length === 0 || folders.some((folder) => file.startsWith(`${folder}/`))))
    .filter((file) => existsSync(join(root, file)))
    .toSorted()

export const read = (file: string): string => readFileSync(join(root, file), "utf8")

/** The module specifiers a source imports, re-exports or imports dynamically; types too: they are a dependency all the same. */
export const importsOf = (source: string): ReadonlyArray<string> => {
  const statement =
    /^\s*(?:import|export)\b[^"'`;]*?\bfrom\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm
  return [...source.matchAll(statement)].map((match) => match[1] ?? match[2] ?? match[3]!)
}

/** Where a relative specifier of `file` leads, as a path from the root; undefined for a package. */
export const target = (file: string, specifier: string): string | undefined =>
  specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(file), specifier)) : undefined
