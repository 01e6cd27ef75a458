/** What this machine says of itself, and how that goes together with what the server has. Pure. */
import { Schema } from "effect"
import type { StopRequest } from "../actors/Shutdown.ts"

/** The version of the other program whose protocol this is: its app asks for one. */
export const HAPPY_VERSION = "1.2.5"

/** What rarely changes. */
export interface Metadata {
  readonly host: string
  readonly platform: string
  readonly happyCliVersion: string
  readonly homeDir: string
  readonly happyHomeDir: string
  readonly happyLibDir: string
  readonly hobVersion: string
  /** Which agents there are to start. */
  readonly cliAvailability: Readonly<Record<string, boolean | number>> & { readonly detectedAt: number }
  readonly resumeSupport: {
    readonly rpcAvailable: boolean
    readonly requiresSameMachine: boolean
    readonly requiresHappyAgentAuth: boolean
    readonly happyAgentAuthenticated: boolean
    readonly detectedAt: number
  }
}

/** What this daemon is, beside how it is. */
export interface DaemonFacts {
  readonly pid: number
  readonly startedAt: number
  /** Where local programs reach it over HTTP. */
  readonly httpPort?: number
}

export interface DaemonState extends DaemonFacts {
  readonly status: "running" | "shutting-down" | "offline"
  readonly shutdownRequestedAt?: number
  readonly shutdownSource?: StopRequest["source"]
}

/** Made of own facts alone: whatever the server has is of an earlier daemon, or of another one. */
export const daemonState = (
  facts: DaemonFacts,
  status: DaemonState["status"],
  stop: StopRequest | undefined
): DaemonState => ({
  status,
  ...facts,
  ...(stop === undefined || status === "running" ? {} : { shutdownRequestedAt: stop.at, shutdownSource: stop.source })
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const withoutTimes = (value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([key]) => key !== "detectedAt")
          .map(([key, inner]) => [key, withoutTimes(inner)] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1))
      )
    : value

/**
 * What is to be written over `theirs`: own facts, and beside them what a device has added, such as a name to show.
 * Undefined where the server has it all already.
 */
export const mergedMetadata = (theirs: unknown, own: Metadata): Readonly<Record<string, unknown>> | undefined => {
  const added = isObject(theirs) ? theirs : {}
  const merged = { ...added, ...own }
  const isSame = JSON.stringify(withoutTimes(merged)) === JSON.stringify(withoutTimes(added))
  return isSame ? undefined : merged
}

const Seen = Schema.Struct({
  status: Schema.optionalKey(Schema.Unknown),
  pid: Schema.optionalKey(Schema.Unknown),
  startedAt: Schema.optionalKey(Schema.Unknown)
})
const isSeen = Schema.is(Seen)

/**
 * What a state that somebody has written for this machine means. `own`: it is what this daemon says. `another`: a daemon
 * that runs elsewhere with the same id. `wrong`: it says that the machine is not running, which it is.
 */
export const readState = (seen: unknown, facts: DaemonFacts): "own" | "another" | "wrong" => {
  if (!isObject(seen) || !isSeen(seen)) return "wrong"
  if (seen.status !== "running") return "wrong"
  return seen.pid === facts.pid && seen.startedAt === facts.startedAt ? "own" : "another"
}
