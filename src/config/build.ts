import { readFileSync } from "node:fs"

/** What this build was made from, as when this process started; null when it runs from source. Tells builds of one version apart. */
export const BUILD: string | null = (() => {
  if (import.meta.url.endsWith(".ts")) return null
  try {
    return readFileSync(new URL(".built-from", import.meta.url), "latin1").slice(0, 12)
  } catch {
    return null
  }
})()
