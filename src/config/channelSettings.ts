import { Schema } from "effect"
import { bytes, channelRules, millis, oneOf, whole } from "./setting.ts"

const KiB = 1024
const MiB = 1024 * 1024
const GiB = 1024 * 1024 * 1024

/** Messages between processes, and what is kept of them. */
export const Channels = Schema.Struct({
  keep: oneOf(["memory", "disk"], {
    default: "memory",
    description:
      'Where the newest events of a channel are kept, for subscribers that come back: "disk" survives the daemon\'s death, at the price of a write for each group of messages.',
    applies: "at once"
  }),
  retainCount: whole(0, 1_000_000, {
    default: 1000,
    description: "How many events of a channel are kept.",
    applies: "at once"
  }),
  retainBytes: bytes(0, {
    default: 8 * MiB,
    description: "How much of a channel is kept: bytes of its messages.",
    applies: "at once"
  }),
  retainMillis: millis({
    default: 300_000,
    description: "How long an event is kept.",
    applies: "at once"
  }),
  rules: channelRules({
    default: {},
    description:
      "Other bounds for some channels, by pattern: `keep` (memory or disk), `events`, `size` and `age`. The first pattern that matches a channel's name counts; what its rule does not say is as for all others.",
    applies: "at once"
  }),
  messageBytes: bytes(
    1024,
    {
      default: 16 * MiB,
      description: "The longest message, as JSON. A request must fit into socket.lineBytes all the same.",
      applies: "at once"
    },
    256 * MiB
  ),
  bufferBytes: bytes(
    64 * KiB,
    {
      default: 8 * MiB,
      description:
        "How far a subscriber that does not read may be behind before it is cut off, with the id at which it can come back.",
      applies: "at once"
    },
    GiB
  ),
  maxPatternCount: whole(1, 1_000_000, {
    default: 10_000,
    description: "Patterns that one connection may be subscribed to.",
    applies: "at once"
  }),
  maxChannelCount: whole(10, 10_000_000, {
    default: 100_000,
    description:
      "Channels of a namespace that are remembered; beyond it the quietest ones that nobody listens to are forgotten.",
    applies: "at once"
  }),
  maxNamespaceCount: whole(1, 100_000, {
    default: 1000,
    description: "Namespaces in which something is kept or listened to.",
    applies: "at once"
  }),
  memoryBytes: bytes(MiB, {
    default: 256 * MiB,
    description: "What all channels together keep in memory; beyond it each loses the older half.",
    applies: "at once"
  })
})
