import type { Settings } from "../config/settings.ts"
import { addressProblem, type ListenAt } from "../listening/listenAt.ts"

export type { ListenAt } from "../listening/listenAt.ts"

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
  const reason = addressProblem(host, allowRemote, { group: "webhooks", allowedBy: "webhooks.allowRemote" })
  if (reason !== undefined) return { type: "refused", reason }
  return { type: "listen", host, port: fromPhoton ?? settings.port, requestMillis }
}
