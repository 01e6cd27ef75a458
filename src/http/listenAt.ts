import type { Settings } from "../config/settings.ts"
import { addressProblem, type ListenAt } from "../listening/listenAt.ts"
import { isLoopback, isLoopbackName } from "../wire/http/messages.ts"

/** Where to answer over HTTP, or why not to; `tls`: the files of a certificate and its key. */
export type HttpAt = ListenAt & { readonly tls?: { readonly certFile: string; readonly keyFile: string } }

/** By which address a browser is to come: other machines' by the first of hob's names, which the certificate has. */
export const visitedAt = (url: string, [name]: ReadonlyArray<string>): string => {
  const { host, hostname, port, protocol } = new URL(url)
  if (isLoopbackName(host)) return url
  const isAny = hostname === "0.0.0.0" || hostname === "[::]"
  return `${protocol}//${name ?? (isAny ? "localhost" : hostname)}${port === "" ? "" : `:${port}`}`
}

/** What the settings amount to. What leaves the machine is encrypted, or does not leave it. */
export const decideHttpAt = ({ http }: Pick<Settings, "http">): HttpAt => {
  const { allowRemote, enabled, host, port, requestMillis, tlsCertFile, tlsKeyFile } = http
  if (!enabled) return { type: "off" }
  const reason = addressProblem(host, allowRemote, { group: "http", allowedBy: "http.allowRemote" })
  if (reason !== undefined) return { type: "refused", reason }
  if ((tlsCertFile === null) !== (tlsKeyFile === null)) {
    const missing = tlsCertFile === null ? "http.tlsCertFile" : "http.tlsKeyFile"
    return { type: "refused", reason: `A certificate and its key belong together: set ${missing} too.` }
  }
  if (tlsCertFile === null && !isLoopback(host)) {
    const text = `Other machines reach ${host} (http.host), and what they send would not be encrypted: set http.tlsCertFile and http.tlsKeyFile, or come through SSH.`
    return { type: "refused", reason: text }
  }
  return {
    type: "listen",
    host,
    port,
    requestMillis,
    ...(tlsCertFile === null ? {} : { tls: { certFile: tlsCertFile, keyFile: tlsKeyFile! } })
  }
}
