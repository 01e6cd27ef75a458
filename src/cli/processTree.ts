import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** A process and all that it has started, directly or not, as far as the system still knows. */
export const processTree = (root: number): ReadonlyArray<number> => {
  const children = new Map<number, Array<number>>()
  for (const [pid, parent] of parents()) {
    const known = children.get(parent)
    if (known === undefined) children.set(parent, [pid])
    else known.push(pid)
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** Every process and its parent. */
const parents = (): ReadonlyArray<readonly [pid: number, parent: number]> => {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const parent = parentOf(name)
        return parent === undefined ? [] : [[Number(name), parent] as const]
      })
  } catch {
    return parentsFromPs()
  }
}

const parentOf = (pid: string): number | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    // Behind the name, which may hold anything: state, parent.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
  } catch {
    return undefined
  }
}

/** For systems without /proc. */
const parentsFromPs = (): ReadonlyArray<readonly [number, number]> => {
  try {
    const text = execFileSync("ps", ["-A", "-o", "pid=,ppid="], {
      encoding: "latin1",
      stdio: ["ignore", "pipe", "ignore"]
    })
    return text
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  } catch {
    return []
  }
}
