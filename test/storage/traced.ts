/** Programs of the tests that write to a store, under faults, and what they say: see `storeWriter.ts`. */
import { execFile, spawnSync } from "node:child_process"
import { it } from "vitest"
import { needs, skipsForbidden } from "../support/needs.ts"

/** What a writer said, taken apart. */
export interface Said {
  readonly acknowledged: ReadonlyArray<number>
  readonly failed: ReadonlyArray<{ readonly id: number; readonly tag: string; readonly read: string }>
  readonly state: string | undefined
  readonly lines: ReadonlyArray<string>
}

export const run = (command: string, args: ReadonlyArray<string>): Promise<Said> =>
  new Promise((resolve, reject) => {
    execFile(command, args, { encoding: "utf8", maxBuffer: 2 ** 30 }, (error, stdout, stderr) => {
      if (error !== null) return reject(new Error(`${command} ${args.join(" ")}: ${error.message}\n${stdout}${stderr}`))
      const lines = stdout.trim().split("\n")
      resolve({
        lines,
        acknowledged: lines.filter((line) => /^\d+$/.test(line)).map(Number),
        failed: lines.flatMap((line) => {
          const match = /^failed (\d+) (\w+) (\w+)$/.exec(line)
          return match === null ? [] : [{ id: Number(match[1]), tag: match[2]!, read: match[3]! }]
        }),
        state: /^state (.*)$/.exec(lines.at(-1) ?? "")?.[1]
      })
    })
  })

/** A program under strace, all of whose system calls on the store at `path` that are named by `inject` meet its fault. */
export const runWithFault = (path: string, inject: string, args: ReadonlyArray<string>): Promise<Said> => {
  const strace = ["-f", "-qq", "-o", "/dev/null", "-P", path, "-P", `${path}-wal`, "-e", `inject=${inject}`]
  return run("strace", [...strace, process.execPath, ...args])
}

/** What {@link violations} looks at. `-s`: a page of the store, whole. */
export const traceOf = (trace: string): ReadonlyArray<string> => {
  const calls = "trace=fsync,fdatasync,pwrite64,write"
  return ["-f", "-qq", "-y", "-s", "5000", "-o", trace, "-e", calls]
}

/** Acknowledgements in a trace that came before a flush of the log with their record, `note <number> `, in it. */
export const violations = (trace: string): { readonly acknowledged: number; readonly early: ReadonlyArray<number> } => {
  const written = new Set<number>()
  const flushed = new Set<number>()
  const early: Array<number> = []
  let acknowledged = 0
  for (const line of trace.split("\n")) {
    const [, call, file, rest] = /^\d+ +(\w+)\(\d+<([^>]*)>(.*)$/.exec(line) ?? []
    if (call === "pwrite64" && file?.endsWith("-wal")) {
      for (const [, id] of rest!.matchAll(/note (\d+) /g)) written.add(Number(id))
    } else if ((call === "fdatasync" || call === "fsync") && file?.endsWith("-wal") && rest!.endsWith("= 0")) {
      for (const id of written) flushed.add(id)
    } else if (call === "write") {
      const said = /^, "(\d+)\\n"/.exec(rest!)?.[1]
      if (said === undefined) continue
      acknowledged++
      if (!flushed.has(Number(said))) early.push(Number(said))
    }
  }
  return { acknowledged, early }
}

export const ownMounts = process.getuid?.() === 0 ? ["--mount"] : ["--user", "--map-root-user", "--mount"]
/** Containers may forbid mounts of one's own. */
const mayMount = spawnSync("unshare", [...ownMounts, "true"]).status === 0
/** The `it` of a test that mounts a file system of its own, by `unshare` with {@link ownMounts}. */
export const mounts = mayMount || skipsForbidden ? needs("unshare", "mount", "git") : it.skip
