import { execFileSync } from "node:child_process"
import { mkdtempSync, rmdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "vitest"

/** A file system of so many KiB, in memory. */
export const smallDisk = (kibibytes: number): Disposable & { readonly path: string } => {
  const path = mkdtempSync(join(tmpdir(), "hob-disk-"))
  const options = `size=${kibibytes}k,mode=0700`
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "ignore" })
  } catch (error) {
    rmdirSync(path)
    throw error
  }
  return {
    path,
    [Symbol.dispose]: () => {
      execFileSync("umount", ["--lazy", path])
      rmdirSync(path)
    }
  }
}

/** Root may mount, outside of most containers. */
const canMount = (): boolean => {
  try {
    using _disk = smallDisk(64)
    return true
  } catch {
    return false
  }
}

/** The `it` of tests that need a disk of their own; skipped by name where none can be mounted. */
export const onSmallDisk = (name: string, test: () => void | Promise<void>): void =>
  canMount() ? it(name, test) : it.skip(`${name} (needs root)`, test)
