import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ConfigInvalid } from "./daemon.ts"
import { ConfigNotWritten } from "./dialects.ts"
import { Endless } from "./endless.ts"
import { Timestamp } from "./ids.ts"

/**
 * - `off`: `machine.enabled` is false.
 * - `logged-out`: there are no credentials, or none that can be read: see the reason.
 * - `registering`, `connecting`, `confirming`: on the way: the server is told of the machine, connected to, and asked to
 *   send calls here.
 * - `ready`: the server has confirmed all of it.
 * - `waiting`: it failed, for `reason`, and is tried again at `nextAttemptAt`.
 */
export const MachineState = Schema.Literals([
  "off",
  "logged-out",
  "registering",
  "connecting",
  "confirming",
  "ready",
  "waiting"
])
export type MachineState = typeof MachineState.Type

/** This machine, as the remote server is told of it. */
export const MachineStatus = Schema.Struct({
  state: MachineState,
  enabled: Schema.Boolean,
  /** Made when it is first needed, and kept. */
  machineId: Schema.String,
  serverUrl: Schema.String,
  /** `legacy`: texts are encrypted by the account's secret; `data-key`: by a key of this machine. Null: nobody has logged in. */
  credentials: Schema.NullOr(Schema.Literals(["legacy", "data-key"])),
  /** The file they are in. */
  credentialsFile: Schema.String,
  /** Since when it is in this state. */
  since: Timestamp,
  reason: Schema.NullOr(Schema.String),
  nextAttemptAt: Schema.NullOr(Timestamp),
  /** Attempts in a row that have failed. */
  failures: Schema.Int,
  /** Of what the server has; null before it has answered. */
  metadataVersion: Schema.NullOr(Schema.Int),
  daemonStateVersion: Schema.NullOr(Schema.Int),
  /** What devices may call now: confirmed by the server. */
  calls: Schema.Array(Schema.String),
  /** How far the server's clock is from this machine's. */
  clockSkewMillis: Schema.Int,
  /** Another process speaks for the machine of this id too: what it says of itself. */
  another: Schema.NullOr(Schema.String)
})
export type MachineStatus = typeof MachineStatus.Type

/** Nobody has logged in, or what is there can't be used. */
export class MachineNotLoggedIn extends Schema.TaggedError<MachineNotLoggedIn>()("MachineNotLoggedIn", {
  reason: Schema.String
}) {
  override get message() {
    return this.reason
  }
}

/** There are credentials already, and they stay. */
export class MachineLoggedIn extends Schema.TaggedError<MachineLoggedIn>()("MachineLoggedIn", {
  file: Schema.String
}) {
  override get message() {
    return `Somebody has logged in already (${this.file}). \`hob machine logout\` forgets that.`
  }
}

/** The server can't be reached, or does not answer as one should. */
export class MachineServerUnreachable extends Schema.TaggedError<MachineServerUnreachable>()(
  "MachineServerUnreachable",
  { serverUrl: Schema.String, reason: Schema.String }
) {
  override get message() {
    return `${this.serverUrl}: ${this.reason} Is \`machine.serverUrl\` (or HAPPY_SERVER_URL) right?`
  }
}

/** The server has refused. */
export class MachineRefused extends Schema.TaggedError<MachineRefused>()("MachineRefused", {
  status: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return `The server has refused (${this.status}): ${this.reason}`
  }
}

/** Nobody has answered in time. */
export class MachinePairingExpired extends Schema.TaggedError<MachinePairingExpired>()("MachinePairingExpired", {}) {
  override get message() {
    return "No device has answered. `hob machine pair` shows a new link."
  }
}

/** The credentials can't be written, or not be removed. */
export class MachineFileFailed extends Schema.TaggedError<MachineFileFailed>()("MachineFileFailed", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file}: ${this.detail}`
  }
}

/** Whether it is enabled is said where a command can't change it. */
export class MachineFixed extends Schema.TaggedError<MachineFixed>()("MachineFixed", {
  key: Schema.String,
  source: Schema.Literals(["flag", "environment"])
}) {
  override get message() {
    return this.source === "flag"
      ? `The daemon was started with \`-c ${this.key}=…\`, which goes before the configuration file: start it without.`
      : `The daemon's environment says what ${this.key} is, which goes before the configuration file: take it away and restart the daemon.`
  }
}

/** How it stands between this machine and the remote server. */
export const ShowMachine = Rpc.make("machine.status", { success: MachineStatus, error: MachineFileFailed })

/** Keeps the machine in step with the server, from now on and after every restart: written to the configuration file. */
export const EnableMachine = Rpc.make("machine.enable", {
  payload: {
    /** The server, where it is another one than until now. */
    serverUrl: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(2048)))
  },
  success: MachineStatus,
  error: Schema.Union([MachineNotLoggedIn, MachineFixed, MachineFileFailed, ConfigInvalid, ConfigNotWritten])
})

/** Tells the server that the machine is offline, and speaks to it no longer. */
export const DisableMachine = Rpc.make("machine.disable", {
  success: MachineStatus,
  error: Schema.Union([MachineFixed, MachineFileFailed, ConfigInvalid, ConfigNotWritten])
})

/**
 * Logs in: by an account's secret, or else with the credentials that the server's own program has on this machine, and
 * its machine's id. Contacts the server only for a secret.
 */
export const LogInMachine = Rpc.make("machine.login", {
  payload: {
    /** As the account's devices show it for a backup, or its 32 bytes as base64. */
    secret: Schema.optionalKey(Schema.String.check(Schema.isBetweenLength(1, 1024)))
  },
  success: MachineStatus,
  error: Schema.Union([
    MachineLoggedIn,
    MachineNotLoggedIn,
    MachineServerUnreachable,
    MachineRefused,
    MachineFileFailed
  ])
})

/** What a person does to pair, and that it is done. */
export const PairingItem = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("link"),
    /** For a device that reads it as a QR code, or opens it. */
    link: Schema.String,
    /** For a browser in which the account is logged in. */
    webLink: Schema.String,
    expiresAt: Timestamp
  }),
  Schema.Struct({ kind: Schema.Literal("paired"), status: MachineStatus })
])
export type PairingItem = typeof PairingItem.Type

/** Logs in by a device of the account: gives the link that it has to open, and ends when it has answered. */
export const PairMachine = Rpc.make("machine.pair", {
  success: PairingItem,
  error: Schema.Union([
    MachineLoggedIn,
    MachineServerUnreachable,
    MachineRefused,
    MachinePairingExpired,
    MachineFileFailed
  ]),
  stream: true
}).annotate(Endless, true)

/** Forgets the credentials, and the machine's id with them. Those of the other program's own directory stay. */
export const LogOutMachine = Rpc.make("machine.logout", {
  success: Schema.Struct({ status: MachineStatus, removed: Schema.Boolean }),
  error: MachineFileFailed
})

export const MachineRpcs = RpcGroup.make(
  ShowMachine,
  EnableMachine,
  DisableMachine,
  LogInMachine,
  PairMachine,
  LogOutMachine
)
