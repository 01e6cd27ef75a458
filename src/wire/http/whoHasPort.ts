/** Which process listens on a TCP port of this machine: for a sentence that names it. Plain Node. */
import { readdir, readFile, readlink } from "node:fs/promises"

const LISTEN = "0A"

/** The inodes of sockets that listen on a port, from /proc/net/tcp or tcp6. */
export const listeners = (table: string, port: number): ReadonlySet<string> => {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0")
  const found = table.split("\n").flatMap((line) => {
    const fields = line.trim().split(/ +/)
    return fields[1]?.endsWith(`:${wanted}`) === true && fields[3] === LISTEN ? [`socket:[${fields[9]}]`] : []
  })
  return new Set(found)
}

/** Its pid and name; null where that can't be seen: another user's, or a system without /proc. */
export const whoHasPort = async (port: number): Promise<{ readonly pid: number; readonly name: string } | null> => {
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")))
  const inodes = listeners(tables.join("\n"), port)
  if (inodes.size === 0) return null
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue
    for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      if (!inodes.has(await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => ""))) continue
      const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")
      return { pid: Number(pid), name: name.trim() }
    }
  }
  return null
}
