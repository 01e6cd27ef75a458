/** Which file a code change is about, and whether it is one to be captured. */
import { realpathSync } from "node:fs"
import { dirname, isAbsolute, join, relative, resolve } from "node:path"

/** The path below the repository; null when it is outside. A link that leads out is outside too. */
export const below = (root: string, path: string): string | null => {
  const whole = isAbsolute(path) ? resolve(path) : resolve(root, path)
  const parent = realParent(dirname(whole))
  const real = parent === null ? whole : join(parent.real, relative(parent.path, whole))
  const inside = relative(root, real)
  return inside === "" || inside === ".." || inside.startsWith("../") || isAbsolute(inside) ? null : inside
}

/** The nearest directory above that is there, and what it is without links. */
const realParent = (directory: string): { readonly path: string; readonly real: string } | null => {
  for (let path = directory; ; path = dirname(path)) {
    try {
      return { path, real: realpathSync(path) }
    } catch {
      if (dirname(path) === path) return null
    }
  }
}

/** The regular expression of one pattern: `*` and `?` within a name, `**` across names. */
const expression = (pattern: string): string =>
  pattern
    .split(/(\*\*\/?|\*|\?)/)
    .map((part) => {
      if (part === "**/") return "(?:.*/)?"
      if (part === "**") return ".*"
      if (part === "*") return "[^/]*"
      return part === "?" ? "[^/]" : part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
    })
    .join("")

/**
 * Whether any pattern matches a path, whatever its case: one without `/` any of its names, so that it covers what is
 * below a directory too; one with `/` the whole path, or its beginning.
 */
export const makeExcludes = (patterns: ReadonlyArray<string>): ((path: string) => boolean) => {
  const names: Array<string> = []
  const paths: Array<string> = []
  for (const pattern of patterns) {
    const trimmed = pattern.replace(/^\.?\//, "").replace(/\/$/, "")
    if (trimmed !== "") (trimmed.includes("/") ? paths : names).push(expression(trimmed))
  }
  const all = [...names.map((name) => `(?:^|.*/)${name}(?:/.*)?$`), ...paths.map((path) => `^${path}(?:/.*)?$`)]
  if (all.length === 0) return () => false
  const matches = new RegExp(`^(?:${all.join("|")})`, "isu")
  return (path) => matches.test(path)
}
