import { isIP } from "node:net"
import type { Settings } from "../config/settings.ts"

/** Where to listen, or why not to. */
export type ListenAt =
  | { readonly type: "off" }
  | { readonly type: "listen"; readonly host: string; readonly port: number; readonly requestMillis: number }
  | { readonly type: "refused"; readonly reason: string }

/** The variables of photon's that are understood. */
export const PORT_VARIABLE = "PHOTON_WEBHOOK_PORT"
export const SECRET_VARIABLE = "PHOTON_WEBHOOK_SECRET"

/** The port that photon's variable names; undefined where it names none: it is not there, is 0, or is no port. */
export const photonPort = (env: Readonly<Record<string, string | undefined>>): number | undefined => {
  const text = env[PORT_VARIABLE] ?? ""
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port > 0 && port <= 65_535 ? port : undefined
}

/** What settings and environment amount to. photon's variable switches on, and names the port, where nothing else does. */
export const decideListenAt = (
  settings: Pick<Settings["webhooks"], "enabled" | "host" | "port" | "allowRemote" | "requestMillis">,
  env: Readonly<Record<string, string | undefined>>
): ListenAt => {
  const { allowRemote, enabled, host, requestMillis } = settings
  const fromPhoton = enabled ? undefined : photonPort(env)
  if (!enabled && fromPhoton === undefined) return { type: "off" }
  if (host !== "localhost" && isIP(host) === 0)
    return { type: "refused", reason: `"${host}" is no address (webhooks.host).` }
  if (!isLoopback(host) && !allowRemote) {
    const reason = `Other machines reach ${host} (webhooks.host): set webhooks.allowRemote if that is meant, or listen on 127.0.0.1.`
    return { type: "refused", reason }
  }
  return { type: "listen", host, port: fromPhoton ?? settings.port, requestMillis }
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.")

export const urlOf = (address: string, port: number): string =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}`
