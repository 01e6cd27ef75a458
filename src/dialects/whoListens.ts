/** Which process listens on a Unix socket: for a sentence that names it. Plain Node. */
import { execFile } from "node:child_process"
import { readdir, readFile, readlink, realpath } from "node:fs/promises"
import { basename, dirname, isAbsolute, join, resolve } from "node:path"

/** A process as people know it. */
export interface Listener {
  readonly pid: number
  /** Its command line, cut short; empty when it can't be read. */
  readonly command: string
}

/** `__SO_ACCEPTCON` of /proc/net/unix: the socket listens. */
const LISTENS = 0x10000
/** A socket of hob's keeps the name under which it was bound: see wire/unixSocket.ts. */
const BOUND_AS = /^\.[0-9a-z]{8}$/
const LSOF_MILLIS = 3000
const COMMAND_LENGTH = 80

/**
 * The process that listens at `path`; null when it can't be seen: it is another user's, or runs in a container. What
 * the kernel knows is the name the socket was bound under; one that was renamed since is found only if hob did it.
 */
export const whoListens = (path: string): Promise<Listener | null> =>
  process.platform === "linux" ? fromProc(path) : fromLsof(path)

/** Inodes of listening sockets whose name may be this path. A relative name is one of the directory of its process. */
export const candidates = (
  table: string,
  path: string
): ReadonlyArray<{ readonly inode: string; readonly name: string }> =>
  table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, , , flags, , , inode, ...rest] = line.trim().split(/ +/)
      const name = rest.join(" ")
      if (inode === undefined || (Number.parseInt(flags ?? "", 16) & LISTENS) === 0) return []
      const file = basename(path)
      const own = basename(name)
      return own === file || (own.startsWith(file) && BOUND_AS.test(own.slice(file.length))) ? [{ inode, name }] : []
    })

const fromProc = async (path: string): Promise<Listener | null> => {
  const found = candidates(await readFile("/proc/net/unix", "utf8").catch(() => ""), path)
  if (found.length === 0) return null
  const directory = await real(dirname(path))
  const names = new Map(found.map(({ inode, name }) => [`socket:[${inode}]`, name]))
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue
    for (const name of await socketsOf(`/proc/${entry}/fd`, names)) {
      const cwd = isAbsolute(name) ? "/" : await readlink(`/proc/${entry}/cwd`).catch(() => "/")
      if ((await real(dirname(resolve(cwd, name)))) !== directory) continue
      return { pid: Number(entry), command: await commandOf(entry) }
    }
  }
  return null
}

/** The names of those sockets that are among a process's descriptors. */
const socketsOf = async (directory: string, names: ReadonlyMap<string, string>): Promise<ReadonlyArray<string>> => {
  const descriptors = await readdir(directory).catch(() => [])
  const found: Array<string> = []
  for (const descriptor of descriptors) {
    const name = names.get(await readlink(join(directory, descriptor)).catch(() => ""))
    if (name !== undefined) found.push(name)
  }
  return found
}

const commandOf = async (pid: string): Promise<string> => {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
  return shown(line.replaceAll("\0", " "))
}

const real = (path: string): Promise<string> => realpath(path).catch(() => path)

/** For systems without /proc. */
const fromLsof = (path: string): Promise<Listener | null> =>
  new Promise((done) => {
    execFile("lsof", ["-F", "pc", "--", path], { timeout: LSOF_MILLIS, encoding: "utf8" }, (_error, stdout) => {
      const pid = /^p(\d+)$/m.exec(stdout)?.[1]
      done(pid === undefined ? null : { pid: Number(pid), command: shown(/^c(.*)$/m.exec(stdout)?.[1] ?? "") })
    })
  })

const shown = (command: string): string => {
  // oxlint-disable-next-line no-control-regex
  const line = command.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim()
  return line.length > COMMAND_LENGTH ? `${line.slice(0, COMMAND_LENGTH - 1)}…` : line
}
