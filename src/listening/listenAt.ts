import { isIP } from "node:net"
import { isLoopback } from "../wire/http/messages.ts"

/** Where to listen, or why not to. */
export type ListenAt =
  | { readonly type: "off" }
  | { readonly type: "listen"; readonly host: string; readonly port: number; readonly requestMillis: number }
  | { readonly type: "refused"; readonly reason: string }

/** Why an address is not listened at: it is none, or one that other machines reach and nobody has said that it may be. */
export const addressProblem = (
  host: string,
  isAllowed: boolean,
  { allowedBy, group }: { readonly group: string; readonly allowedBy: string }
): string | undefined => {
  if (host !== "localhost" && isIP(host) === 0) return `"${host}" is no address (${group}.host).`
  if (isLoopback(host) || isAllowed) return undefined
  return `Other machines reach ${host} (${group}.host): set ${allowedBy} if that is meant, or listen on 127.0.0.1.`
}

export const urlOf = (address: string, port: number, scheme: "http" | "https" = "http"): string =>
  `${scheme}://${address.includes(":") ? `[${address}]` : address}:${port}`
