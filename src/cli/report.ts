import { CallError, CallTimedOut, ConnectionLost, SocketConnectError } from "../client/wire/bare.ts"
import { RpcErrorCode } from "../protocol/errors.ts"
import { ExitCode, Fault } from "./exit.ts"
import { printError } from "./stdio.ts"

/** Whether the daemon answered with this typed error. */
export const isTagged = (error: unknown, tag: string): error is CallError & { data: NonNullable<CallError["data"]> } =>
  error instanceof CallError && error.data?._tag === tag

/** What each typed error of the protocol means for a script, and what its reader may do. */
const typed: Readonly<Record<string, { readonly exitCode: number; readonly hint?: string }>> = {
  SessionNotFound: { exitCode: ExitCode.noSuchSession },
  BadMatch: { exitCode: ExitCode.usage },
  BadSearch: { exitCode: ExitCode.usage },
  UnknownSignal: { exitCode: ExitCode.usage },
  DialectUnknown: { exitCode: ExitCode.usage },
  DialectArguments: { exitCode: ExitCode.usage },
  SessionAmbiguous: { exitCode: ExitCode.noSuchSession, hint: "Give more of the id." },
  UnknownMethod: { exitCode: ExitCode.noSuchSession },
  UnknownModule: { exitCode: ExitCode.noSuchSession },
  JobNotFound: { exitCode: ExitCode.noSuchSession },
  TokenNotFound: { exitCode: ExitCode.noSuchSession },
  TokenAmbiguous: { exitCode: ExitCode.noSuchSession },
  UnknownAgent: { exitCode: ExitCode.usage },
  AgentNeedsPrompt: { exitCode: ExitCode.usage },
  AgentDirectoryUnusable: { exitCode: ExitCode.usage },
  InvalidParams: { exitCode: ExitCode.usage },
  MethodTimedOut: { exitCode: ExitCode.timedOut },
  LockHeld: { exitCode: ExitCode.lockHeld, hint: "`--wait 1m` waits for it; `hob lock ls` lists the locks." },
  LockWaitTimedOut: { exitCode: ExitCode.lockHeld, hint: "`hob lock ls` lists the locks." },
  LockQueueFull: { exitCode: ExitCode.lockHeld },
  LockNotHeld: { exitCode: ExitCode.lockLost },
  LockHeldByAnother: { exitCode: ExitCode.lockLost },
  LockExpired: { exitCode: ExitCode.lockLost },
  LockTokenMismatch: { exitCode: ExitCode.lockLost },
  CaptureNotFound: { exitCode: ExitCode.noSuchSession, hint: "`hob capture ls --all` lists them." },
  CaptureAmbiguous: { exitCode: ExitCode.noSuchSession, hint: "Give more of the id." },
  MachineNotLoggedIn: { exitCode: ExitCode.usage },
  MachinePairingExpired: { exitCode: ExitCode.timedOut },
  InvalidCron: { exitCode: ExitCode.usage, hint: "`hob cron next EXPRESSION` shows when one is due." },
  UnknownTimeZone: { exitCode: ExitCode.usage },
  InvalidJob: { exitCode: ExitCode.usage },
  UpstreamNotFound: { exitCode: ExitCode.noSuchSession },
  UpstreamNotNamed: { exitCode: ExitCode.noSuchSession },
  UpstreamTimedOut: { exitCode: ExitCode.timedOut },
  UpstreamInvalid: { exitCode: ExitCode.usage },
  UpstreamBadRequest: { exitCode: ExitCode.usage },
  UpstreamRequestTooLarge: { exitCode: ExitCode.usage },
  InputQueueFull: {
    exitCode: ExitCode.failure,
    hint: "Nothing was sent. Send less at once, or pipe it in: `hob send SESSION -` waits for the program to read."
  },
  SessionHostUnavailable: { exitCode: ExitCode.failure, hint: "`hob logs` may tell why; `hob restart` tries anew." }
}

const spawnExitCode: Readonly<Record<string, number>> = {
  "command-not-found": ExitCode.commandNotFound,
  "not-executable": ExitCode.notExecutable,
  "unknown-template": ExitCode.usage
}

/** Fields of the protocol whose name is not what was typed, as the command line calls them. */
const spelled: Readonly<Record<string, string>> = {
  session: "<session>",
  id: "<job>",
  cron: "<expression>",
  params: "--args",
  timeZone: "--tz",
  retries: "--retry",
  jitterMillis: "--jitter (in milliseconds)",
  capture: "<capture>",
  repository: "--repo",
  commit: "--commit",
  channel: "<channel>",
  patterns: "<pattern>",
  pattern: "<pattern>",
  message: "the message",
  secrets: "the secret",
  delivery: "<delivery>",
  command: "the command",
  data: "the input",
  tags: "--tag",
  graceMillis: "--grace",
  uri: "<uri>",
  user: "--user",
  "credential.secret": "the credential",
  caFile: "--ca",
  collection: "--subscribe",
  lifetimeMillis: "--lifetime (in milliseconds)",
  lockName: "<name>",
  method: "<method>",
  file: "<file>",
  ttlMillis: "--ttl (in milliseconds)",
  waitMillis: "--wait (in milliseconds)",
  timeoutMillis: "--timeout",
  cols: "the terminal's width",
  rows: "the terminal's height",
  "limits.memoryBytes": "--max-memory (in bytes)",
  "limits.cpuPercent": "--max-cpu (in percent)",
  "limits.processes": "--max-processes",
  "limits.ttlMillis": "--ttl (in milliseconds)",
  "limits.idleStopMillis": "--idle-stop (in milliseconds)"
}

/**
 * What the daemon says is wrong with a request (`params.name: Expected 1 to 64 of …`), in words of the command line:
 * a field is called as its flag is.
 */
export const refusedParameter = (message: string): string => {
  const [, field, inner, rest] = /^params\.(\w+)(?:\.(\w+))?[^:]*: (.*)$/s.exec(message) ?? []
  if (field === undefined || rest === undefined) return message
  const name = (inner === undefined ? undefined : spelled[`${field}.${inner}`]) ?? spelled[field] ?? `--${field}`
  return `${name}: ${rest.replace(/^Expected /, "must be ")}`
}

/** Without the words of the protocol. */
const heldLock = ({ data, message }: CallError): string => {
  const { expiresInMillis, holder, name }: Readonly<Record<string, unknown>> = data ?? {}
  if (typeof expiresInMillis !== "number") return message
  const seconds = Math.max(1, Math.ceil(expiresInMillis / 1000))
  return `The lock "${String(name)}" is held by "${String(holder)}", for ${seconds} s more unless it is renewed or released.`
}

const ofCall = (error: CallError): Fault => {
  const tag = error.data?._tag
  if (tag === "SpawnFailed") {
    return new Fault(spawnExitCode[String(error.data?.["reason"])] ?? ExitCode.failure, error.message)
  }
  const known = tag === undefined ? undefined : typed[tag]
  if (known !== undefined && tag === "LockHeld") return new Fault(known.exitCode, heldLock(error), known.hint)
  if (known !== undefined) return new Fault(known.exitCode, error.message, known.hint)
  switch (error.code) {
    case RpcErrorCode.methodNotFound:
      return new Fault(
        ExitCode.failure,
        `The running daemon is older than this command: ${error.message}`,
        "`hob upgrade` replaces it; its sessions run on."
      )
    case RpcErrorCode.invalidParams:
      return new Fault(ExitCode.usage, refusedParameter(error.message))
    case RpcErrorCode.lineTooLong:
      return new Fault(ExitCode.failure, error.message, "Pipe it in instead: `hob send SESSION -`.")
    case RpcErrorCode.internalError:
      return new Fault(ExitCode.failure, `The daemon failed: ${error.message}`, "`hob logs` has the details.")
    default:
      return new Fault(ExitCode.failure, error.message)
  }
}

/** Whatever was thrown, as a sentence with an exit code. */
export const toFault = (error: unknown): Fault => {
  if (error instanceof Fault) return error
  if (error instanceof CallError) return ofCall(error)
  if (error instanceof CallTimedOut) {
    return new Fault(
      ExitCode.failure,
      error.message,
      "`hob status` tells which process it is; `hob logs` may tell why."
    )
  }
  if (error instanceof ConnectionLost) {
    return new Fault(ExitCode.failure, `The daemon went away: ${error.message}.`, "Try again; `hob logs` may tell why.")
  }
  if (error instanceof SocketConnectError) {
    return error.reason === "missing" || error.reason === "refused"
      ? notRunning()
      : new Fault(ExitCode.failure, error.message)
  }
  // Known by name: their module starts processes, and is loaded only when one is to be started.
  if (error instanceof Error && error.name === "NotRunning") return notRunning()
  if (error instanceof Error && (error.name === "StartFailed" || error.name === "SocketPathError")) {
    return new Fault(ExitCode.failure, error.message)
  }
  return new Fault(ExitCode.failure, error instanceof Error ? (error.stack ?? error.message) : String(error))
}

const notRunning = (): Fault => new Fault(ExitCode.notRunning, "hob is not running.", "`hob start` starts it.")

/** Tells the reader what failed. Returns the exit code. */
export const report = (error: unknown): number => {
  const fault = toFault(error)
  printError(`hob: ${fault.message}${fault.hint === undefined ? "" : `\n${fault.hint}`}`)
  return fault.exitCode
}
