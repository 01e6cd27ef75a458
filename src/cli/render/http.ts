import type { HttpStatus, Token } from "../../protocol/http.ts"
import { age, columns, oneLine } from "./text.ts"

/** What `hob http status` prints. */
export const httpText = ({ eventStreams, reason, state, tokenFile, url, webSockets }: HttpStatus): string => {
  if (state === "off") return "Off: `hob http enable` switches it on."
  if (state !== "up") return `Not answering: ${reason ?? "it is being started."}`
  return columns([
    ["address:", url ?? ""],
    ["token:", `in ${tokenFile}`],
    ["clients:", `${webSockets} on WebSockets, ${eventStreams} on streams`]
  ])
}

/** `12d`: how long until then. */
const until = (iso: string, now: number): string => age(new Date(2 * now - Date.parse(iso)).toISOString(), now)

/** What `hob token ls` prints. */
export const tokenTable = (tokens: ReadonlyArray<Token>, now: number): string =>
  columns([
    ["ID", "NAME", "SCOPE", "AGE", "EXPIRES"],
    ...tokens.map(({ createdAt, expiresAt, id, isExpired, name, scope }) => [
      id,
      oneLine(name),
      scope,
      age(createdAt, now),
      expiresAt === null ? "-" : isExpired ? "expired" : `in ${until(expiresAt, now)}`
    ])
  ])
