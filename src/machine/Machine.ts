import { Clock, Context, Effect, Layer, Option, Random, Semaphore, Stream, SubscriptionRef } from "effect"
import { rmSync } from "node:fs"
import { Concerns } from "../actors/Concerns.ts"
import { Shutdown } from "../actors/Shutdown.ts"
import { setInConfigFile } from "../config/editConfigFile.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { happyMachinePaths, type MachinePaths } from "../config/machinePaths.ts"
import type { Paths } from "../config/paths.ts"
import type { Settings } from "../config/settings.ts"
import {
  type ConfigInvalid,
  type ConfigNotWritten,
  MachineFileFailed,
  MachineFixed,
  MachineLoggedIn,
  MachineNotLoggedIn,
  type MachinePairingExpired,
  type MachineRefused,
  type MachineServerUnreachable,
  type MachineStatus,
  type PairingItem
} from "../protocol/index.ts"
import { type Credentials, readCredentials, writeCredentials } from "./credentials.ts"
import type { DaemonFacts, Metadata } from "./facts.ts"
import { ensureMachineId, forgetMachineId, machineIdIn } from "./identity.ts"
import * as Pairing from "./pairing.ts"
import type { RemoteCall } from "./RemoteCall.ts"
import { pauseAfter } from "./retrying.ts"
import * as Sync from "./Sync.ts"

type MachineSettings = Settings["machine"]
type NotWritten = MachineFixed | ConfigInvalid | ConfigNotWritten
type Environment = Readonly<Record<string, string | undefined>>

/** Who has no credentials may get some by another program: so often it is looked. */
const LOOK_MILLIS = 30_000
/** Who changes something waits so long for what was there before to end. */
const SETTLE = "5 seconds"
/** Who was in step for so long has not failed in a row. */
const HEALTHY_MILLIS = 60_000

/** This machine at the remote server: kept in step while the configuration wants it, and somebody has logged in. */
export class Machine extends Context.Service<
  Machine,
  {
    readonly status: Effect.Effect<MachineStatus, MachineFileFailed>
    /** See `machine.enable`. */
    enable(
      serverUrl: string | undefined
    ): Effect.Effect<MachineStatus, MachineNotLoggedIn | MachineFileFailed | NotWritten>
    readonly disable: Effect.Effect<MachineStatus, MachineFileFailed | NotWritten>
    /** See `machine.login`. */
    login(
      secret: string | undefined
    ): Effect.Effect<
      MachineStatus,
      MachineLoggedIn | MachineNotLoggedIn | MachineServerUnreachable | MachineRefused | MachineFileFailed
    >
    readonly pair: Stream.Stream<
      PairingItem,
      MachineLoggedIn | MachineServerUnreachable | MachineRefused | MachinePairingExpired | MachineFileFailed
    >
    readonly logout: Effect.Effect<{ readonly status: MachineStatus; readonly removed: boolean }, MachineFileFailed>
    /** Whether it is enabled: then hob is needed though nobody is connected. */
    readonly waits: Effect.Effect<boolean>
  }
>()("hob/machine/Machine") {}

export interface MachineOptions {
  readonly paths: Pick<Paths, "config">
  readonly files: MachinePaths
  readonly env: Environment
  readonly metadata: Effect.Effect<Metadata>
  readonly facts: Effect.Effect<DaemonFacts>
  readonly calls: (settings: MachineSettings) => ReadonlyArray<RemoteCall>
}

type Progress = Omit<MachineStatus, "enabled" | "machineId" | "serverUrl" | "credentials" | "credentialsFile">

/** What it is to do, as the configuration and a person want it. */
interface Wanted {
  readonly settings: MachineSettings
  /** Grows with each login and logout, and when somebody has mended what it failed for. */
  readonly round: number
}

const isSame = (a: Wanted, b: Wanted): boolean =>
  a.round === b.round && JSON.stringify(a.settings) === JSON.stringify(b.settings)

export const layer = (options: MachineOptions): Layer.Layer<Machine, never, Concerns | HobConfig | Shutdown> =>
  Layer.effect(
    Machine,
    Effect.gen(function* () {
      const { calls, env, facts, files, metadata, paths } = options
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const shutdown = yield* Shutdown
      const oneAtATime = yield* Semaphore.make(1)
      const first = (yield* config.get).machine
      const wanted = yield* SubscriptionRef.make<Wanted>({ settings: first, round: 0 })
      const now = Effect.map(Clock.currentTimeMillis, (at) => new Date(at).toISOString())
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
      /** The round that is followed now. */
      const followed = yield* SubscriptionRef.make(-1)
      let progress: Progress = { ...idle, state: "off", since: (yield* now) as Progress["since"] }

      const enter = (next: Partial<Progress> & Pick<Progress, "state">) =>
        Effect.gen(function* () {
          const isNews = progress.state !== next.state
          const since = isNews ? ((yield* now) as Progress["since"]) : progress.since
          const { another: before } = progress
          progress = { ...progress, reason: null, nextAttemptAt: null, ...next, since }
          if (next.another != null && next.another !== before) {
            yield* Effect.logWarning(`another daemon speaks for this machine's id: ${next.another}`)
          }
          if (!isNews) return
          if (next.state === "ready") yield* Effect.logInfo("the machine is in step with the remote server")
          if (next.state === "waiting") yield* Effect.logWarning(`the machine is out of step: ${next.reason}`)
          if (next.state === "logged-out") yield* Effect.logWarning(`the machine is not logged in: ${next.reason}`)
        })

      const urlOf = ({ serverUrl }: MachineSettings) => env["HAPPY_SERVER_URL"] || serverUrl

      const once = (settings: MachineSettings, credentials: Credentials): Effect.Effect<string> =>
        Effect.gen(function* () {
          const machineId = yield* ensureMachineId(files.settings)
          return yield* Sync.run({
            url: urlOf(settings),
            machineId,
            credentials,
            metadata,
            facts,
            calls: new Map(calls(settings).map((call) => [call.name, call])),
            maxCalls: settings.maxCallCount,
            stop: shutdown.stop,
            stopAsked: shutdown.asked,
            progress: (next) => enter({ ...next, ...(next.state === "ready" ? { failures: 0 } : {}) })
          })
        }).pipe(
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
            const nextAttemptAt = new Date(at + pause).toISOString() as Progress["since"]
            yield* enter({ ...idle, state: "waiting", reason, failures, nextAttemptAt })
            yield* Effect.sleep(pause)
          }
        })

      const changes = SubscriptionRef.changes(wanted)
      const other = (current: Wanted) =>
        Stream.runHead(Stream.filter(changes, (next) => !isSame(next, current))).pipe(
          Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: (next) => Effect.succeed(next) }))
        )

      yield* concerns.supervise("machine", (up) =>
        Effect.gen(function* () {
          yield* up
          yield* Effect.forkScoped(
            Stream.runForEach(config.changes, ({ machine }) =>
              SubscriptionRef.update(wanted, ({ round }) => ({ settings: machine, round }))
            )
          )
          for (let current = yield* SubscriptionRef.get(wanted); ;) {
            current = yield* Effect.raceFirst(follow(current), other(current))
          }
        }).pipe(Effect.scoped)
      )

      const status = Effect.gen(function* () {
        const { machine } = yield* config.get
        const read = readCredentials(files.credentials)
        const machineId = yield* ensureMachineId(files.settings)
        return {
          ...progress,
          enabled: machine.enabled,
          machineId,
          serverUrl: urlOf(machine),
          credentials: read.type === "found" ? read.credentials.kind : null,
          credentialsFile: files.credentials
        }
      })

      /** As it is once what was changed has been taken up, and what was there before has ended. */
      const again = Effect.gen(function* () {
        const { machine: settings } = yield* config.get
        const { round } = yield* SubscriptionRef.updateAndGet(wanted, ({ round }) => ({ settings, round: round + 1 }))
        yield* SubscriptionRef.changes(followed).pipe(
          Stream.filter((current) => current >= round),
          Stream.runHead,
          Effect.timeoutOption(SETTLE)
        )
        return yield* status
      })

      const write = (values: ReadonlyArray<readonly [key: string, value: boolean | string]>) =>
        Effect.gen(function* () {
          const settings = yield* config.settings
          for (const [key, value] of values) {
            const { source, value: current } = settings.find((setting) => setting.key === key)!
            if (current === value) continue
            if (source === "flag" || source === "environment") return yield* new MachineFixed({ key, source })
            yield* setInConfigFile(paths.config, key, value)
          }
          yield* config.reload
          return yield* again
        })

      const enable = Effect.fn("Machine.enable")(function* (serverUrl: string | undefined) {
        const read = readCredentials(files.credentials)
        if (read.type === "missing") return yield* new MachineNotLoggedIn({ reason: LOG_IN })
        if (read.type === "unreadable") return yield* new MachineNotLoggedIn({ reason: read.reason })
        yield* config.reload
        return yield* write([
          ...(serverUrl === undefined ? [] : [["machine.serverUrl", serverUrl] as const]),
          ["machine.enabled", true]
        ])
      }, oneAtATime.withPermits(1))

      const disable = Effect.gen(function* () {
        yield* config.reload
        return yield* write([["machine.enabled", false]])
      }).pipe(oneAtATime.withPermits(1), Effect.withSpan("Machine.disable"))

      const checkLoggedOut = Effect.suspend(() =>
        readCredentials(files.credentials).type === "missing"
          ? Effect.void
          : Effect.fail(new MachineLoggedIn({ file: files.credentials }))
      )

      const keep = (credentials: Credentials, machineId?: string) =>
        Effect.gen(function* () {
          yield* ensureMachineId(files.settings, machineId)
          yield* Effect.try({
            try: () => writeCredentials(files.credentials, credentials),
            catch: (error) => new MachineFileFailed({ file: files.credentials, detail: (error as Error).message })
          })
          return yield* again
        })

      const login = Effect.fn("Machine.login")(function* (secret: string | undefined) {
        yield* checkLoggedOut
        if (secret === undefined) {
          const theirs = happyMachinePaths(env)
          const read = readCredentials(theirs.credentials)
          if (read.type === "unreadable") return yield* new MachineNotLoggedIn({ reason: read.reason })
          if (read.type === "missing") {
            return yield* new MachineNotLoggedIn({
              reason: `There are no credentials at ${theirs.credentials}. \`hob machine pair\` gets some from a device, \`hob machine login --secret -\` by the account's secret.`
            })
          }
          return yield* keep(read.credentials, machineIdIn(theirs.settings))
        }
        const parsed = Pairing.parseSecret(secret)
        if (Option.isNone(parsed)) {
          return yield* new MachineNotLoggedIn({
            reason: "That is not an account's secret: 32 bytes as base64, or as its devices show it for a backup."
          })
        }
        return yield* keep(yield* Pairing.logIn(urlOf((yield* config.get).machine), parsed.value))
      }, oneAtATime.withPermits(1))

      const pair = Stream.unwrap(
        Effect.gen(function* () {
          yield* checkLoggedOut
          const { machine } = yield* config.get
          const webapp = env["HAPPY_WEBAPP_URL"] || machine.webappUrl
          return Stream.mapEffect(
            Pairing.pair(urlOf(machine), webapp),
            (step): Effect.Effect<PairingItem, MachineLoggedIn | MachineFileFailed> =>
              step.type === "link"
                ? Effect.succeed({
                    kind: "link",
                    link: step.link,
                    webLink: step.webLink,
                    expiresAt: new Date(step.expiresAt).toISOString() as Progress["since"]
                  })
                : checkLoggedOut.pipe(
                    Effect.andThen(keep(step.credentials)),
                    Effect.map((status) => ({ kind: "paired" as const, status })),
                    oneAtATime.withPermits(1)
                  )
          )
        })
      )

      const logout = Effect.gen(function* () {
        const isThere = readCredentials(files.credentials).type !== "missing"
        const removed = isThere && !files.isShared
        if (removed) {
          yield* Effect.try({
            try: () => rmSync(files.credentials),
            catch: (error) => new MachineFileFailed({ file: files.credentials, detail: (error as Error).message })
          })
          yield* forgetMachineId(files.settings)
        }
        return { status: yield* again, removed }
      }).pipe(oneAtATime.withPermits(1), Effect.withSpan("Machine.logout"))

      return Machine.of({
        status,
        enable,
        disable,
        login,
        pair,
        logout,
        waits: Effect.map(config.get, ({ machine }) => machine.enabled)
      })
    })
  )

const LOG_IN =
  "Nobody has logged in. `hob machine pair` does that by a device of the account; `hob machine login` takes what the server's own program has on this machine."
