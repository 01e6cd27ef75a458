/** What an upstream's URI says. */

/** Where to connect, and how. */
export interface Target {
  /** For the handshake: `ws:` or `wss:`, host and path. */
  readonly url: string
  /** Of a socket of this machine: its path. */
  readonly socketPath: string | null
  readonly origin: string
  /** Nobody on the way reads what is sent: TLS, or it stays on this machine. */
  readonly isPrivate: boolean
  /** The server knows its callers by their user id: no login is needed. */
  readonly knowsPeers: boolean
}

/** The API that current middleware speaks. */
const API = "/api/current"

/** The target; or what is wrong with the URI, as a sentence. */
export const targetOf = (uri: string): Target | string => {
  if (uri.startsWith("ws+unix://")) {
    const socketPath = uri.slice("ws+unix://".length)
    if (!socketPath.startsWith("/")) return `"${uri}" names no socket: ws+unix:///PATH.`
    return { url: `ws://localhost${API}`, socketPath, origin: "http://localhost", isPrivate: true, knowsPeers: true }
  }
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url === undefined || (url.protocol !== "ws:" && url.protocol !== "wss:") || url.hostname === "")
    return `"${uri}" is no address: ws://HOST/PATH, wss://HOST/PATH or ws+unix:///PATH.`
  // The URI is shown and logged.
  if (url.username !== "" || url.password !== "")
    return "The URI has a user or a password in it, and would show it. Give them as --user and --password-stdin."
  if (url.hash !== "") return `"${uri}" has a fragment ("#…"), which means nothing to a server. Leave it out.`
  if (url.pathname.endsWith("/websocket"))
    return `"${uri}" is the protocol of before JSON-RPC, which hob does not speak. Use the path ${API}.`
  const isTls = url.protocol === "wss:"
  if (url.pathname === "/") url.pathname = API
  return {
    url: url.href,
    socketPath: null,
    origin: `${isTls ? "https" : "http"}://${url.host}`,
    isPrivate: isTls || isLoopback(url.hostname),
    knowsPeers: false
  }
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host)
