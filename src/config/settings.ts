import { Schema } from "effect"
import { Schedule } from "./scheduleSettings.ts"
import { detachKeyPattern } from "./detachKey.ts"
import { MethodsSettings } from "./methodSettings.ts"
import { dialectEntryPattern, dialectNames } from "../protocol/dialectStatus.ts"
import { Webhooks } from "./webhookSettings.ts"
import {
  bytes,
  channelRules,
  command,
  expressions,
  millis,
  oneOf,
  templates,
  text,
  textOrNull,
  texts,
  variables,
  whole,
  yesNo
} from "./setting.ts"

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

/** Sessions: the programs hob holds, and what is kept of them. */
const Sessions = Schema.Struct({
  shell: textOrNull(/^[^\0]+$/u, "the path or name of a program", {
    default: null,
    description: "What a session runs when no command is given. null: the user's login shell.",
    applies: "to new sessions"
  }),
  maxCount: whole(1, 100_000, {
    default: 1000,
    description: "Sessions that may run at once.",
    applies: "at once"
  }),
  recentBytes: bytes(
    4 * KiB,
    {
      default: 256 * KiB,
      description: "Output of each session that is kept in memory: what an attaching client sees first.",
      applies: "to new sessions"
    },
    GiB
  ),
  inputQueueBytes: bytes(
    4 * KiB,
    {
      default: MiB,
      description: "Input that may wait for a program that does not read; more is refused.",
      applies: "to new sessions"
    },
    GiB
  ),
  logSegmentBytes: bytes(64 * KiB, {
    default: 16 * MiB,
    description: "A session's log begins a new file at this size.",
    applies: "to new sessions"
  }),
  logMaxBytes: bytes(128 * KiB, {
    default: 256 * MiB,
    description: "The oldest files of a session's log are deleted when all of them together are larger.",
    applies: "to new sessions"
  }),
  logInput: yesNo({
    default: true,
    description: "Whether what is typed into a session is in its log too (passwords among it).",
    applies: "to new sessions"
  }),
  retainCount: whole(0, 1_000_000, {
    default: 1000,
    description: "Ended sessions that stay listed with their logs; the oldest beyond it are removed.",
    applies: "at once"
  }),
  retainMillis: millis({
    default: 30 * day,
    description: "How long ended sessions stay listed with their logs.",
    applies: "at once"
  }),
  restartMaxCount: whole(0, 1_000_000, {
    default: 10,
    description:
      "How often in a row a session with --restart is started anew, if it does not say itself; one that ran for ten minutes counts anew. 0: no limit.",
    applies: "to new sessions"
  }),
  restartDelayMillis: millis({
    default: 1000,
    description: "How long after its end a session with --restart is started anew; doubles each time, up to a minute.",
    applies: "at once"
  }),
  killGraceMillis: millis({
    default: 4000,
    description: "How long a program that was asked to end has before it is killed.",
    applies: "at once"
  }),
  detachKey: text(
    detachKeyPattern,
    'a key such as "C-\\", or several with spaces between, such as "C-b d", or nothing at all',
    {
      default: "C-\\",
      description:
        'What to type to leave a session and let it run on: a key in tmux\'s names, or several with spaces between. "": no key does.',
      applies: "at once"
    }
  ),
  attachHistoryLines: whole(0, 1_000_000, {
    default: 10_000,
    description: "Lines of a session's history that an attaching terminal's own history is filled with.",
    applies: "at once"
  }),
  environmentDeny: variables({
    default: [
      "CLAUDECODE",
      "CLAUDE_CODE_*",
      "CLAUDE_AGENT_SDK_*",
      "CODEX_SANDBOX*",
      "GEMINI_CLI",
      "HAPPY_*",
      "HOB_*",
      "npm_*",
      "INIT_CWD",
      "NODE_CHANNEL_FD",
      "NODE_CHANNEL_SERIALIZATION_MODE",
      "TMUX",
      "TMUX_PANE",
      "STY",
      "WINDOW"
    ],
    description:
      "Variables of the caller that no session gets: they would make a program believe it runs inside the one that started it.",
    applies: "to new sessions"
  }),
  environmentAllow: variables({
    default: [
      "PATH",
      "LANG",
      "LANGUAGE",
      "LC_*",
      "TZ",
      "TMPDIR",
      "XDG_*",
      "DBUS_SESSION_BUS_ADDRESS",
      "SSH_AUTH_SOCK",
      "SSL_CERT_FILE",
      "SSL_CERT_DIR",
      "NIX_*",
      "HTTP_PROXY",
      "HTTPS_PROXY",
      "NO_PROXY",
      "http_proxy",
      "https_proxy",
      "no_proxy",
      "EDITOR",
      "VISUAL",
      "PAGER"
    ],
    description:
      "Variables of the daemon that a session gets when it is not started from somebody's terminal, beside HOME, USER, LOGNAME and SHELL.",
    applies: "to new sessions"
  })
})

/** Messages between processes, and what is kept of them. */
const Channels = Schema.Struct({
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
  resumeMillis: whole(0, day, {
    default: 10_000,
    description:
      "How long a lock that is bound to a connection waits for its client to come back after a restart or crash of the daemon; never longer than its ttl.",
    applies: "after a restart"
  })
})

/** What is said to coding agents, and what they say and change. */
const Capture = Schema.Struct({
  enabled: yesNo({
    default: true,
    description: "Whether anything is captured. What was captured before stays.",
    applies: "at once"
  }),
  excludePatterns: texts(/^[^\0]{1,256}$/u, 'a list of patterns of files, such as ["*.env", "secrets/"]', {
    default: ["*.env", "*.env.*", "*secret*", "*password*", "*api*key*", "*.pem", "*.key", "id_rsa*", "id_ed25519*"],
    description:
      "Files whose changes are not captured. `*` and `?` stand for parts of a name, `**` for several names; a pattern without `/` is compared with every name of a path, whatever its case.",
    applies: "at once"
  }),
  secretPatterns: expressions({
    default: [],
    description:
      "Regular expressions of what is masked beside the secrets that hob knows by themselves. Where one has a group `(?<secret>…)`, that alone is.",
    applies: "at once"
  }),
  encrypt: yesNo({
    default: false,
    description:
      "Whether what is captured from now on is written to the store encrypted (AES-256-GCM), with the key in `capture.key` of the home. Without that file it can't be read again. What is saved into repositories is not.",
    applies: "at once"
  }),
  saveOnStop: yesNo({
    default: true,
    description:
      "Whether `hob stop` saves what is not saved yet, into those repositories where capture is installed or that have a `.prompts/`.",
    applies: "at once"
  }),
  saveOnStopMillis: whole(0, 60_000, {
    default: 3000,
    description: "How long that may take; what is not saved by then stays in the store.",
    applies: "at once"
  }),
  messageBytes: bytes(
    1024,
    {
      default: 256 * KiB,
      description: "The longest text of a message or a change that is kept; what is beyond is cut, and marked as cut.",
      applies: "at once"
    },
    16 * MiB
  ),
  captureBytes: bytes(64 * KiB, {
    default: 32 * MiB,
    description: "How much one capture may hold; what comes then is left out and counted.",
    applies: "at once"
  }),
  maxCount: whole(10, 1_000_000, {
    default: 10_000,
    description:
      "Captures that are kept; beyond it those go first that are closed and saved. Where none is, no further one is begun.",
    applies: "at once"
  }),
  closeMillis: millis({
    default: day,
    description: "How long nothing may be heard of a capture before it is closed. What comes later opens it again.",
    applies: "at once"
  }),
  retainMillis: millis({
    default: 30 * day,
    description: "How long a closed capture is kept. What was saved of it stays where it was saved.",
    applies: "at once"
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
  storage: Storage,
  dialects: Dialects,
  templates: Templates
})
export type Settings = typeof Settings.Type
