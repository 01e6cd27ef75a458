/** Who may ask. The original asks nobody who he is: its port runs commands for any user and any web page of the machine. */
import { readFileSync } from "node:fs"
import { header } from "../../wire/http/headers.ts"
import { isJson, isLoopbackName, type Head, type Reply } from "../../wire/http/messages.ts"
import { forbidden, mediaType, misdirected } from "./messages.ts"

/** Undefined: it may. Clients are programs: what says that it comes from a page is not one of them. */
export const decideAdmit = ({ headers }: Head): Reply | undefined => {
  const host = header(headers, "host")
  if (host === undefined || !isLoopbackName(host)) return misdirected
  if (header(headers, "origin") !== undefined) return forbidden("Web pages are not answered.")
  const type = header(headers, "content-type")
  return type === undefined || isJson(type) ? undefined : mediaType(type.slice(0, 200))
}

/** Little-endian, as the kernel writes it. */
const LOOPBACK = "0100007F"

/** The user whose connection this is, from /proc/net/tcp: `local` is the sender's own port. */
export const ownerIn = (table: string, local: number, remote: number): number | undefined => {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0")
  const own = `${LOOPBACK}:${hex(local)}`
  const ours = `${LOOPBACK}:${hex(remote)}`
  for (const line of table.split("\n")) {
    const fields = line.trim().split(/ +/)
    if (fields[1] === own && fields[2] === ours) return Number(fields[7])
  }
  return undefined
}

/** Whether the sender is another user of this machine. Where the system has no such table nobody can tell. */
export const isAnotherUser = (senderPort: number, ownPort: number): boolean => {
  const self = process.geteuid?.()
  if (self === undefined || process.platform !== "linux") return false
  try {
    const owner = ownerIn(readFileSync("/proc/net/tcp", "latin1"), senderPort, ownPort)
    return owner !== undefined && owner !== self && owner !== 0
  } catch {
    return false
  }
}
