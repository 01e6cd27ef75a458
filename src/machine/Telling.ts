import { Effect } from "effect"
import type { StopRequest } from "../actors/Shutdown.ts"
import type { Cipher } from "./encryption.ts"
import { type DaemonFacts, daemonState, mergedMetadata, type Metadata, readState } from "./facts.ts"
import type { Line, NoAnswer } from "./Line.ts"
import type { Registered } from "./server.ts"
import type { UpdateMessage } from "./serverMessages.ts"
import { type NotTaken, Versioned } from "./Versioned.ts"

const WRITE_MILLIS = 10_000
/** How long each word at the end may take: the server may be gone. */
const LAST_WORD_MILLIS = 500

export interface TellingOptions {
  readonly machineId: string
  readonly line: Line
  readonly cipher: Cipher
  /** What the server has. */
  readonly row: Registered
  readonly metadata: Metadata
  readonly facts: Effect.Effect<DaemonFacts>
}

/** What the server is told of this machine and its daemon. */
export interface Telling {
  readonly versions: () => { readonly metadataVersion: number; readonly daemonStateVersion: number }
  /** What the machine is, and that its daemon runs. */
  readonly all: Effect.Effect<void, NotTaken | NoAnswer>
  /** That it runs, where something else about the daemon is so than when this was last said. */
  readonly changes: Effect.Effect<void>
  /** That it is about to stop: once. */
  readonly announceStop: (stop: StopRequest) => Effect.Effect<void>
  readonly offline: Effect.Effect<void>
  /**
   * Takes what somebody has written. Null where that is no news. `another`: a daemon elsewhere that has this machine's id
   * too; undefined: nothing was said of a daemon.
   */
  readonly take: (update: UpdateMessage) => Effect.Effect<{ readonly another?: string | null } | null>
}

export const makeTelling = ({ cipher, facts, line, machineId, metadata, row }: TellingOptions): Telling => {
  const common = { machineId, line, cipher }
  const machine = new Versioned({ ...common, field: "metadata", version: row.metadataVersion, value: row.metadata })
  const daemon = new Versioned({
    ...common,
    field: "daemonState",
    version: row.daemonStateVersion,
    value: row.daemonState
  })
  let stopping: StopRequest | undefined
  let told = ""

  const running = Effect.flatMap(facts, (now) => {
    told = JSON.stringify(now)
    return daemon.update(() => daemonState(now, "running", undefined), { within: WRITE_MILLIS })
  })

  /** Is said though nobody may be listening, and before whatever follows it. */
  const lastWord = (status: "shutting-down" | "offline") =>
    Effect.uninterruptible(
      Effect.ignore(
        Effect.flatMap(facts, (now) =>
          daemon.update(() => daemonState(now, status, stopping), { within: LAST_WORD_MILLIS })
        )
      )
    )

  return {
    versions: () => ({ metadataVersion: machine.version, daemonStateVersion: daemon.version }),
    all: Effect.all([machine.update((theirs) => mergedMetadata(theirs, metadata), { within: WRITE_MILLIS }), running], {
      concurrency: "unbounded",
      discard: true
    }),
    changes: Effect.flatMap(facts, (now) =>
      stopping !== undefined || told === "" || JSON.stringify(now) === told ? Effect.void : Effect.ignore(running)
    ),
    announceStop: (stop) =>
      Effect.suspend(() => {
        if (stopping !== undefined) return Effect.void
        stopping = stop
        return lastWord("shutting-down")
      }),
    offline: lastWord("offline"),
    take: ({ daemonState: written, metadata: its }) =>
      Effect.gen(function* () {
        const isNews = its !== null && machine.take(its.version, its.value)
        if (written === null || !daemon.take(written.version, written.value)) return isNews ? {} : null
        const said = daemon.current
        const meaning = readState(said, yield* facts)
        // Another daemon that has gone has taken this machine along with it; one that runs is not fought with.
        if (meaning === "wrong" && stopping === undefined) yield* Effect.ignore(running)
        return { another: meaning === "another" ? describe(said) : null }
      })
  }
}

const describe = (said: unknown): string => {
  const { pid, startedAt } = said as { readonly pid?: unknown; readonly startedAt?: unknown }
  const since = typeof startedAt === "number" ? `, since ${new Date(startedAt).toISOString()}` : ""
  return `pid ${typeof pid === "number" ? pid : "unknown"}${since}`
}
