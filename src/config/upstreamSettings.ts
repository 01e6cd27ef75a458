import { Schema } from "effect"
import { bytes, millis, textOrNull, upstreamServers, whole } from "./setting.ts"

const KiB = 1024
const MiB = 1024 * KiB

/** Servers elsewhere, logged in to once. */
export const UpstreamSettings = Schema.Struct({
  servers: upstreamServers({
    default: {},
    description:
      "Upstreams by name, each with its uri, and possibly user, insecure, caFile, concurrency and lifetime. Credentials are not written here: `hob upstream login NAME`.",
    applies: "at once"
  }),
  default: textOrNull(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u, "the name of an upstream", {
    default: null,
    description: "The upstream that is meant when none is named. null: the only one there is.",
    applies: "at once"
  }),
  callMillis: millis({
    default: 60_000,
    description: "How long a call waits for its answer when it says nothing of it, in milliseconds. 0: for ever.",
    applies: "at once"
  }),
  lifetimeMillis: millis({
    default: 600_000,
    description:
      "Unused for so long, an upstream's connection is closed, in milliseconds; the next call makes it again. 0: never.",
    applies: "at once"
  }),
  maxCount: whole(1, 1000, {
    default: 64,
    description: "Upstreams that may be added; each may have a connection.",
    applies: "at once"
  }),
  maxWaitingCount: whole(1, 100_000, {
    default: 4096,
    description: "Calls that may wait for one upstream; further ones are refused.",
    applies: "at once"
  }),
  requestBytes: bytes(
    1024,
    {
      default: 64 * KiB,
      description: "The longest request an upstream takes; a longer one would end its connection, and is refused here.",
      applies: "at once"
    },
    16 * MiB
  ),
  resultBytes: bytes(
    MiB,
    {
      default: 128 * MiB,
      description: "The longest message taken from an upstream; a longer one ends the connection.",
      applies: "at once"
    },
    512 * MiB
  ),
  listenerBytes: bytes(64 * KiB, {
    default: 8 * MiB,
    description:
      "Events that may wait for one listener of an upstream's collection; beyond it that listener is cut off.",
    applies: "at once"
  }),
  connectMillis: millis(
    {
      default: 30_000,
      description: "How long connecting may take, and each answer of the login, in milliseconds.",
      applies: "at once"
    },
    10
  ),
  pingMillis: millis(
    {
      default: 20_000,
      description: "After how much silence an upstream is asked for a sign of life, in milliseconds.",
      applies: "at once"
    },
    10
  ),
  deadMillis: millis(
    {
      default: 45_000,
      description: "After how much silence a connection is given up, in milliseconds.",
      applies: "at once"
    },
    10
  ),
  retryMinMillis: millis(
    {
      default: 1000,
      description: "The first pause before a connection is tried again, in milliseconds; it doubles.",
      applies: "at once"
    },
    1
  ),
  retryMaxMillis: millis(
    {
      default: 30_000,
      description: "The longest pause before a connection is tried again, in milliseconds.",
      applies: "at once"
    },
    1
  ),
  patienceMillis: millis({
    default: 10_000,
    description:
      "How long calls wait for an upstream that was just lost to come back, in milliseconds, before they fail with the reason why it does not.",
    applies: "at once"
  }),
  rejoinMillis: millis({
    default: 300_000,
    description:
      "How long a job whose connection was lost is waited for, in milliseconds, until it can be asked after again.",
    applies: "at once"
  }),
  loginsPerMinuteCount: whole(1, 1000, {
    default: 5,
    description: "Logins to one upstream in a minute; servers lock out who logs in too often. Further ones wait.",
    applies: "at once"
  })
})
