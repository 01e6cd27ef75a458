import { Clock, Effect, Option, Random, type Scope, Stream, SubscriptionRef } from "effect"
import { HobConfig } from "../config/HobConfig.ts"
import type { Settings } from "../config/settings.ts"
import type { MachineStatus } from "../protocol/machine.ts"
import { type Credentials, readCredentials } from "./credentials.ts"
import { ensureMachineId } from "./identity.ts"
import { pauseAfter } from "./retrying.ts"
import * as Sync from "./Sync.ts"

export type MachineSettings = Settings["machine"]

/** Who has no credentials may get some by another program: so often it is looked. */
const LOOK_MILLIS = 30_000
/** Who was in step for so long has not failed in a row. */
const HEALTHY_MILLIS = 60_000
/** Who changes something waits so long for what was there before to end. */
const SETTLE = "5 seconds"

/** How it goes, as `machine.status` tells it. */
export type Progress = Omit<MachineStatus, "enabled" | "machineId" | "serverUrl" | "credentials" | "credentialsFile">

/** What it is to do, as the configuration and a person want it. */
interface Wanted {
  readonly settings: MachineSettings
  /** Grows with each login and logout, and when somebody wants it to be tried at once. */
  readonly round: number
}

export interface FollowingOptions {
  readonly files: { readonly credentials: string; readonly settings: string }
  readonly urlOf: (settings: MachineSettings) => string
  readonly sync: (
    settings: MachineSettings
  ) => Omit<Sync.SyncOptions, "url" | "machineId" | "credentials" | "maxCalls" | "progress">
}

export interface Following {
  readonly progress: () => Progress
  /** Begins anew, with what is so now; answers once what was there before has ended. */
  readonly again: Effect.Effect<void>
  /** Does what is wanted, as long as it runs. */
  readonly actor: (up: Effect.Effect<void>) => Effect.Effect<never>
}

const idle = {
  reason: null,
  nextAttemptAt: null,
  failures: 0,
  metadataVersion: null,
  daemonStateVersion: null,
  calls: [],
  clockSkewMillis: 0,
  another: null
}

/** Keeps the machine in step for as long as the configuration wants it and there are credentials: again and again. */
export const makeFollowing = ({ files, sync, urlOf }: FollowingOptions): Effect.Effect<Following, never, HobConfig> =>
  Effect.gen(function* () {
    const config = yield* HobConfig
    const wanted = yield* SubscriptionRef.make<Wanted>({ settings: (yield* config.get).machine, round: 0 })
    /** The round that is followed now. */
    const followed = yield* SubscriptionRef.make(-1)
    const now = Effect.map(Clock.currentTimeMillis, timestamp)
    let progress: Progress = { ...idle, state: "off", since: yield* now }

    const enter = (next: Partial<Progress> & Pick<Progress, "state">) =>
      Effect.gen(function* () {
        const isNews = progress.state !== next.state
        const { another: before } = progress
        const since = isNews ? yield* now : progress.since
        progress = { ...progress, reason: null, nextAttemptAt: null, ...next, since }
        if (next.another != null && next.another !== before) {
          yield* Effect.logWarning(`another daemon speaks for this machine's id: ${next.another}`)
        }
        if (!isNews) return
        if (next.state === "ready") yield* Effect.logInfo("the machine is in step with the remote server")
        if (next.state === "waiting") yield* Effect.logWarning(`the machine is out of step: ${next.reason}`)
        if (next.state === "logged-out") yield* Effect.logWarning(`the machine is not logged in: ${next.reason}`)
      })

    /** Once, to its end, and why it has ended. */
    const once = (settings: MachineSettings, credentials: Credentials): Effect.Effect<string> =>
      Effect.flatMap(ensureMachineId(files.settings), (machineId) =>
        Sync.run({
          ...sync(settings),
          url: urlOf(settings),
          machineId,
          credentials,
          maxCalls: settings.maxCallCount,
          progress: (next) => enter({ ...next, ...(next.state === "ready" ? { failures: 0 } : {}) })
        })
      ).pipe(
        Effect.scoped,
        Effect.catch((error) => Effect.succeed(error.message))
      )

    /** For ever, until something else is wanted. */
    const follow = ({ round, settings }: Wanted): Effect.Effect<never> =>
      Effect.gen(function* () {
        yield* enter({ ...idle, state: settings.enabled ? "registering" : "off" })
        yield* SubscriptionRef.set(followed, round)
        if (!settings.enabled) return yield* Effect.never
        for (let failures = 0; ;) {
          const read = readCredentials(files.credentials)
          if (read.type !== "found") {
            const reason = read.type === "missing" ? LOG_IN : read.reason
            yield* enter({ ...idle, state: "logged-out", reason })
            yield* Effect.sleep(LOOK_MILLIS)
            continue
          }
          const began = yield* Clock.currentTimeMillis
          const reason = yield* once(settings, read.credentials)
          const at = yield* Clock.currentTimeMillis
          failures = at - began > HEALTHY_MILLIS ? 1 : failures + 1
          const pause = pauseAfter(failures, yield* Random.next)
          yield* enter({ ...idle, state: "waiting", reason, failures, nextAttemptAt: timestamp(at + pause) })
          yield* Effect.sleep(pause)
        }
      })

    const somethingElse = (current: Wanted): Effect.Effect<Wanted> =>
      SubscriptionRef.changes(wanted).pipe(
        Stream.filter((next) => !isSame(next, current)),
        Stream.runHead,
        Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: Effect.succeed }))
      )

    const takeSettings: Effect.Effect<void, never, Scope.Scope> = Effect.asVoid(
      Effect.forkScoped(
        Stream.runForEach(config.changes, ({ machine }) =>
          SubscriptionRef.update(wanted, ({ round }) => ({ settings: machine, round }))
        )
      )
    )

    return {
      progress: () => progress,
      again: Effect.gen(function* () {
        const { machine: settings } = yield* config.get
        const { round } = yield* SubscriptionRef.updateAndGet(wanted, ({ round }) => ({ settings, round: round + 1 }))
        yield* SubscriptionRef.changes(followed).pipe(
          Stream.filter((current) => current >= round),
          Stream.runHead,
          Effect.timeoutOption(SETTLE)
        )
      }),
      actor: (up) =>
        Effect.gen(function* () {
          yield* up
          yield* takeSettings
          for (let current = yield* SubscriptionRef.get(wanted); ;) {
            current = yield* Effect.raceFirst(follow(current), somethingElse(current))
          }
        }).pipe(Effect.scoped)
    }
  })

const isSame = (a: Wanted, b: Wanted): boolean =>
  a.round === b.round && JSON.stringify(a.settings) === JSON.stringify(b.settings)

const timestamp = (millis: number) => new Date(millis).toISOString() as Progress["since"]

export const LOG_IN =
  "Nobody has logged in. `hob machine pair` does that by a device of the account; `hob machine login` takes what the server's own program has on this machine."
