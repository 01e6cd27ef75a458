import { Schema } from "effect"
import { bytes, millis, text, textOrNull, texts, whole, yesNo } from "./setting.ts"

const MiB = 1024 * 1024

/** The HTTP control API. */
export const HttpSettings = Schema.Struct({
  enabled: yesNo({
    default: false,
    description: "Whether hob answers over HTTP. `hob http enable` and `hob http disable` write this.",
    applies: "at once"
  }),
  host: text(/^(?:[0-9.]+|[0-9A-Fa-f:]+|localhost)$/u, "an address such as 127.0.0.1 or ::1", {
    default: "127.0.0.1",
    description: "The address to listen on. One that other machines reach needs http.allowRemote and a certificate.",
    applies: "at once"
  }),
  port: whole(0, 65_535, {
    default: 64_875,
    description: "The port to listen on. 0: any that is free; `hob http status` tells which.",
    applies: "at once"
  }),
  allowRemote: yesNo({
    default: false,
    description: "Whether http.host may be an address that other machines reach.",
    applies: "at once"
  }),
  hosts: texts(
    /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])$/u,
    "a list of host names in lower case, or IPv6 addresses in brackets",
    {
      default: [],
      description:
        "Names under which hob may be reached, beside localhost, loopback addresses and http.host. The first one is in the addresses of `hob http login`, where other machines reach hob.",
      applies: "at once"
    }
  ),
  origins: texts(/^https?:\/\/[^/\s]{1,253}$/u, 'a list of origins, such as ["https://board.example.org"]', {
    default: [],
    description: "Other web pages' origins that may use it (CORS), with a token of their own. None: only hob's own.",
    applies: "at once"
  }),
  tlsCertFile: textOrNull(/^\/[^\0]+$/u, "an absolute path", {
    default: null,
    description: "A certificate (PEM, with what it is signed by): with http.tlsKeyFile hob answers over HTTPS.",
    applies: "at once"
  }),
  tlsKeyFile: textOrNull(/^\/[^\0]+$/u, "an absolute path", {
    default: null,
    description: "The certificate's key (PEM).",
    applies: "at once"
  }),
  bodyBytes: bytes(
    1024,
    { default: 4 * MiB, description: "The longest body of a request.", applies: "at once" },
    64 * MiB
  ),
  requestMillis: whole(1000, 10 * 60_000, {
    default: 20_000,
    description: "How long a whole request may take to come, in milliseconds; half of it for the head.",
    applies: "at once"
  }),
  maxConnectionCount: whole(1, 100_000, {
    default: 8192,
    description: "Connections at once; beyond it the oldest that has sent no whole request is ended.",
    applies: "at once"
  }),
  browserMillis: millis(
    {
      default: 12 * 3600 * 1000,
      description: "How long a browser that was let in by a code stays in, in milliseconds.",
      applies: "at once"
    },
    60_000
  )
})
