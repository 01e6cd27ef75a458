import { Schema } from "effect"
import { Capture } from "./captureSettings.ts"
import { Channels } from "./channelSettings.ts"
import { Sessions } from "./sessionSettings.ts"
import { AgentsSettings } from "./agentSettings.ts"
import { HttpSettings } from "./httpSettings.ts"
import { Schedule } from "./scheduleSettings.ts"
import { Machine } from "./machineSettings.ts"
import { MethodsSettings } from "./methodSettings.ts"
import { dialectEntryPattern, dialectNames } from "../protocol/dialectStatus.ts"
import { Secrets } from "./secretSettings.ts"
import { UpstreamSettings } from "./upstreamSettings.ts"
import { Webhooks } from "./webhookSettings.ts"
import { bytes, command, millis, oneOf, templates, texts, whole, yesNo } from "./setting.ts"

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB
const day = 24 * 3600 * 1000

/** The process that everybody talks to. */
const Daemon = Schema.Struct({
  idleExitMillis: millis({
    default: 0,
    description:
      "Stop after this long without a connection, a running session, a job that is to run, a dialect that is up or other work. 0: never.",
    applies: "at once"
  }),
  shutdownMillis: millis(
    {
      default: 10_000,
      description: "How long an orderly stop may take; what has not ended by then is cut off.",
      applies: "at once"
    },
    100
  ),
  logLevel: oneOf(["debug", "info", "warn", "error"], {
    default: "info",
    description: "The least important messages that are written to the daemon's log.",
    applies: "at once"
  }),
  logMaxBytes: bytes(64 * KiB, {
    default: 10 * MiB,
    description: "The daemon's log is renamed and begun anew at this size.",
    applies: "at once"
  }),
  logFiles: whole(1, 100, {
    default: 5,
    description: "How many files of the daemon's log are kept, the current one counted.",
    applies: "at once"
  }),
  upgradeHost: yesNo({
    default: true,
    description:
      "Whether a session-host of an older build than the daemon's is replaced by one of the daemon's, in place, its sessions running on. false: only `hob upgrade` does it.",
    applies: "at once"
  })
})

/** The native socket: what one client, and all of them together, may use up. */
const Socket = Schema.Struct({
  maxConnections: whole(1, 1_000_000, {
    default: 16_384,
    description: "Connections at once; fewer where the process may not open that many files.",
    applies: "after a restart"
  }),
  lineBytes: bytes(
    64 * KiB,
    {
      default: 16 * MiB + 64 * KiB,
      description: "The longest line a client may send; a longer one ends its connection.",
      applies: "after a restart"
    },
    256 * MiB
  ),
  depth: whole(8, 1000, {
    default: 64,
    description: "The deepest nesting of a line's JSON.",
    applies: "after a restart"
  }),
  inFlight: whole(1, 1_000_000, {
    default: 1024,
    description: "Requests of one connection that may be in flight.",
    applies: "after a restart"
  }),
  writeBufferBytes: bytes(
    16 * KiB,
    {
      default: 256 * KiB,
      description: "Answers that may wait for a slow client before hob reads no more of its requests.",
      applies: "after a restart"
    },
    GiB
  ),
  stallMillis: millis(
    {
      default: 30_000,
      description:
        "How long a client that is owed more than socket.writeBufferBytes may read nothing before it is cut off.",
      applies: "after a restart"
    },
    100
  ),
  drainMillis: millis({
    default: 5000,
    description: "How long calls in flight may go on once the daemon is stopping.",
    applies: "after a restart"
  })
})

/** Locks of programs that keep out of each other's way. */
const Locks = Schema.Struct({
  maxCount: whole(1, 10_000_000, {
    default: 100_000,
    description: "Locks that may be held at once, in all namespaces together.",
    applies: "at once"
  }),
  maxWaiterCount: whole(0, 1_000_000, {
    default: 1000,
    description: "How many may wait for one lock.",
    applies: "at once"
  }),
  defaultTtlMillis: whole(100, day, {
    default: 30_000,
    description: "How long a lock is held unless it is renewed, if its holder does not say.",
    applies: "at once"
  }),
  retainCount: whole(0, 1_000_000, {
    default: 64,
    description:
      "How many events of a lock's channel are kept, where no rule for `locks:…` says otherwise; never more than channels.retainCount.",
    applies: "at once"
  }),
  resumeMillis: whole(0, day, {
    default: 10_000,
    description:
      "How long a lock that is bound to a connection waits for its client to come back after a restart or crash of the daemon; never longer than its ttl.",
    applies: "after a restart"
  })
})

/** What hob writes down. */
const Storage = Schema.Struct({
  durability: oneOf(["process-crash", "power-loss"], {
    default: "process-crash",
    description:
      'What an acknowledged change survives: "process-crash" the death of every process, "power-loss" that of the machine too, at the price of a disk flush for each group of changes.',
    applies: "at once"
  })
})

/** The protocols of other programs' daemons, spoken on the sockets where their own clients look for them. */
const Dialects = Schema.Struct({
  enabled: texts(
    dialectEntryPattern,
    `a list of dialects, each its name and its arguments with spaces between; the names are ${dialectNames.map((name) => `"${name}"`).join(", ")}`,
    {
      default: [],
      description: "The dialects that are spoken. `hob dialect enable` and `hob dialect disable` write this.",
      applies: "at once"
    }
  ),
  claudeSessions: Schema.Struct({
    command: command({
      default: ["claude"],
      description: "What `start_session` of the dialect claude-sessions runs, where it was enabled without arguments.",
      applies: "to new sessions"
    })
  })
})

/** Named commands: all of them are one setting. */
const Templates = templates({
  default: {},
  description:
    "Named commands for `hob run --template NAME`, by name, each with `command` (a list) and, if wanted, `cwd`, `env`, `name`, `tags`, `kind` (pty or pipe), `maxMemory`, `maxCpu`, `maxProcesses`, `ttl`, `idleStop`, `restart` and `restartMax`, as the flags of `hob run` take them. `hob templates` lists them.",
  applies: "at once"
})

/**
 * Every setting there is, by group: the shape of `config.json`, in which all keys are optional. A key is written
 * `group.name`; its environment variable is `HOB_GROUP_NAME`.
 */
export const Settings = Schema.Struct({
  daemon: Daemon,
  socket: Socket,
  sessions: Sessions,
  channels: Channels,
  locks: Locks,
  capture: Capture,
  methods: MethodsSettings,
  schedule: Schedule,
  webhooks: Webhooks,
  agents: AgentsSettings,
  upstream: UpstreamSettings,
  machine: Machine,
  http: HttpSettings,
  storage: Storage,
  secrets: Secrets,
  dialects: Dialects,
  templates: Templates
})
export type Settings = typeof Settings.Type
