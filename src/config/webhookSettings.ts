import { Schema } from "effect"
import { bytes, text, texts, whole, yesNo } from "./setting.ts"

const MiB = 1024 * 1024
const day = 24 * 3600 * 1000

/** The HTTP door through which other programs call methods. */
export const Webhooks = Schema.Struct({
  enabled: yesNo({
    default: false,
    description: "Whether hob listens for webhooks. `hob webhook on` and `hob webhook off` write this.",
    applies: "at once"
  }),
  host: text(/^(?:[0-9.]+|[0-9A-Fa-f:]+|localhost)$/u, "an address such as 127.0.0.1 or ::1", {
    default: "127.0.0.1",
    description: "The address to listen on. One that other machines reach needs webhooks.allowRemote.",
    applies: "at once"
  }),
  port: whole(0, 65_535, {
    default: 3457,
    description: "The port to listen on. 0: any that is free; `hob webhook ls` tells which.",
    applies: "at once"
  }),
  allowRemote: yesNo({
    default: false,
    description:
      "Whether webhooks.host may be an address that other machines reach. What they send is not encrypted: a tunnel or a proxy with TLS is the better way.",
    applies: "at once"
  }),
  hosts: texts(/^[a-z0-9.-]{1,253}$/u, "a list of host names in lower case", {
    default: [],
    description:
      "Names, beside those of this machine, under which webhooks that have no secret may be reached: that of a tunnel, say.",
    applies: "at once"
  }),
  trustForwardedFor: yesNo({
    default: false,
    description:
      "Whether the last address in X-Forwarded-For counts as the sender's where a request comes from this machine: for a proxy or a tunnel that sets it.",
    applies: "at once"
  }),
  bodyBytes: bytes(1024, { default: MiB, description: "The longest body of a webhook.", applies: "at once" }, 64 * MiB),
  requestMillis: whole(1000, 10 * 60_000, {
    default: 20_000,
    description: "How long a sender may take over its request, in milliseconds; half of it for the head.",
    applies: "at once"
  }),
  answerMillis: whole(0, 60_000, {
    default: 5000,
    description:
      "How long a sender waits for its method's result, in milliseconds; then it is told that its delivery is on record (202).",
    applies: "at once"
  }),
  toleranceMillis: whole(1000, 24 * 3600 * 1000, {
    default: 300_000,
    description: "How far the time that a sender has signed may be from now, either way, in milliseconds.",
    applies: "at once"
  }),
  perMinuteCount: whole(0, 10_000_000, {
    default: 600,
    description: "Requests of one sender in a minute; further ones are told when to come again (429). 0: no limit.",
    applies: "at once"
  }),
  maxConnectionCount: whole(1, 100_000, {
    default: 1024,
    description: "Connections at once; beyond it the oldest that has sent no whole request is ended.",
    applies: "at once"
  }),
  maxRunningCount: whole(1, 10_000, {
    default: 64,
    description: "Deliveries that are run at once; others wait on the disk.",
    applies: "at once"
  }),
  maxPendingCount: whole(1, 1_000_000, {
    default: 10_000,
    description: "Deliveries that may wait to be run; further ones are refused (503).",
    applies: "at once"
  }),
  keepMillis: whole(day, 366 * day, {
    default: 7 * day,
    description:
      "How long a delivery is on record, in milliseconds: so long its sender may send it again and it is not run twice.",
    applies: "at once"
  }),
  keepCount: whole(100, 10_000_000, {
    default: 100_000,
    description: "Deliveries on record; beyond it the oldest that have ended are forgotten, however new they are.",
    applies: "at once"
  }),
  keepBytes: bytes(MiB, {
    default: 64 * MiB,
    description: "Bodies on record; beyond it those of the oldest deliveries are forgotten, and can't be replayed.",
    applies: "at once"
  })
})
