import { Context, Effect, Layer, Option, Semaphore, Stream } from "effect"
import { rmSync } from "node:fs"
import { Concerns } from "../actors/Concerns.ts"
import { Shutdown } from "../actors/Shutdown.ts"
import { setInConfigFile } from "../config/editConfigFile.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { happyMachinePaths, type MachinePaths } from "../config/machinePaths.ts"
import type { Paths } from "../config/paths.ts"
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
import { LOG_IN, makeFollowing, type MachineSettings } from "./Following.ts"
import { ensureMachineId, forgetMachineId, machineIdIn } from "./identity.ts"
import * as Pairing from "./pairing.ts"
import type { RemoteCall } from "./RemoteCall.ts"

type NotWritten = MachineFixed | ConfigInvalid | ConfigNotWritten
type LoginFailure = MachineLoggedIn | MachineServerUnreachable | MachineRefused | MachineFileFailed

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
    login(secret: string | undefined): Effect.Effect<MachineStatus, LoginFailure | MachineNotLoggedIn>
    readonly pair: Stream.Stream<PairingItem, LoginFailure | MachinePairingExpired>
    readonly logout: Effect.Effect<{ readonly status: MachineStatus; readonly removed: boolean }, MachineFileFailed>
    /** Whether it is enabled: then hob is needed though nobody is connected. */
    readonly waits: Effect.Effect<boolean>
  }
>()("hob/machine/Machine") {}

export interface MachineOptions {
  readonly paths: Pick<Paths, "config">
  readonly files: MachinePaths
  readonly env: Readonly<Record<string, string | undefined>>
  readonly metadata: Effect.Effect<Metadata>
  readonly facts: Effect.Effect<DaemonFacts>
  readonly calls: (settings: MachineSettings) => ReadonlyArray<RemoteCall>
}

export const layer = (options: MachineOptions): Layer.Layer<Machine, never, Concerns | HobConfig | Shutdown> =>
  Layer.effect(
    Machine,
    Effect.gen(function* () {
      const { env, files, paths } = options
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const shutdown = yield* Shutdown
      const oneAtATime = yield* Semaphore.make(1)
      const urlOf = ({ serverUrl }: MachineSettings) => env["HAPPY_SERVER_URL"] || serverUrl
      const { actor, again, progress } = yield* makeFollowing({
        files,
        urlOf,
        sync: (settings) => ({
          metadata: options.metadata,
          facts: options.facts,
          calls: new Map(options.calls(settings).map((call) => [call.name, call])),
          stop: shutdown.stop,
          stopAsked: shutdown.asked
        })
      })
      yield* concerns.supervise("machine", actor)

      const status = Effect.gen(function* () {
        const { machine } = yield* config.get
        const read = readCredentials(files.credentials)
        const machineId = yield* ensureMachineId(files.settings)
        return {
          ...progress(),
          enabled: machine.enabled,
          machineId,
          serverUrl: urlOf(machine),
          credentials: read.type === "found" ? read.credentials.kind : null,
          credentialsFile: files.credentials
        }
      })
      const statusAgain = Effect.andThen(again, status)

      const write = Effect.fnUntraced(function* (values: Readonly<Record<string, boolean | string>>) {
        yield* config.reload
        const settings = yield* config.settings
        for (const [key, value] of Object.entries(values)) {
          const { source, value: current } = settings.find((setting) => setting.key === key)!
          if (current === value) continue
          if (source === "flag" || source === "environment") return yield* new MachineFixed({ key, source })
          yield* setInConfigFile(paths.config, key, value)
        }
        yield* config.reload
        return yield* statusAgain
      })

      const enable = Effect.fn("Machine.enable")(function* (serverUrl: string | undefined) {
        const read = readCredentials(files.credentials)
        if (read.type === "missing") return yield* new MachineNotLoggedIn({ reason: LOG_IN })
        if (read.type === "unreadable") return yield* new MachineNotLoggedIn({ reason: read.reason })
        const server = serverUrl === undefined ? {} : { "machine.serverUrl": serverUrl }
        return yield* write({ ...server, "machine.enabled": true })
      }, oneAtATime.withPermits(1))

      const checkLoggedOut = Effect.suspend(() =>
        readCredentials(files.credentials).type === "missing"
          ? Effect.void
          : Effect.fail(new MachineLoggedIn({ file: files.credentials }))
      )

      const onFile = (act: () => void) =>
        Effect.try({
          try: act,
          catch: (error) => new MachineFileFailed({ file: files.credentials, detail: (error as Error).message })
        })

      const keep = (credentials: Credentials, machineId?: string) =>
        ensureMachineId(files.settings, machineId).pipe(
          Effect.andThen(onFile(() => writeCredentials(files.credentials, credentials))),
          Effect.andThen(statusAgain)
        )

      /** As the server's own program, and as the machine that it is there. */
      const takeOver = Effect.gen(function* () {
        const theirs = happyMachinePaths(env)
        const read = readCredentials(theirs.credentials)
        if (read.type === "found") return yield* keep(read.credentials, machineIdIn(theirs.settings))
        const reason =
          read.type === "unreadable"
            ? read.reason
            : `There are no credentials at ${theirs.credentials}. \`hob machine pair\` gets some from a device, \`hob machine login --secret -\` by the account's secret.`
        return yield* new MachineNotLoggedIn({ reason })
      })

      const login = Effect.fn("Machine.login")(function* (secret: string | undefined) {
        yield* checkLoggedOut
        if (secret === undefined) return yield* takeOver
        const parsed = Pairing.parseSecret(secret)
        if (Option.isNone(parsed)) {
          const reason = "That is not an account's secret: 32 bytes as base64, or as its devices show it for a backup."
          return yield* new MachineNotLoggedIn({ reason })
        }
        return yield* keep(yield* Pairing.logIn(urlOf((yield* config.get).machine), parsed.value))
      }, oneAtATime.withPermits(1))

      const toItem = (step: Pairing.PairingStep): Effect.Effect<PairingItem, MachineLoggedIn | MachineFileFailed> => {
        if (step.type === "link") {
          const { link, webLink } = step
          const expiresAt = new Date(step.expiresAt).toISOString() as MachineStatus["since"]
          return Effect.succeed({ kind: "link", link, webLink, expiresAt })
        }
        return checkLoggedOut.pipe(
          Effect.andThen(keep(step.credentials)),
          Effect.map((status) => ({ kind: "paired" as const, status })),
          oneAtATime.withPermits(1)
        )
      }
      const pair = Stream.unwrap(
        Effect.gen(function* () {
          yield* checkLoggedOut
          const { machine } = yield* config.get
          const steps = Pairing.pair(urlOf(machine), env["HAPPY_WEBAPP_URL"] || machine.webappUrl)
          return Stream.mapEffect(steps, toItem)
        })
      )

      const logout = Effect.gen(function* () {
        const removed = !files.isShared && readCredentials(files.credentials).type !== "missing"
        if (removed) {
          yield* onFile(() => rmSync(files.credentials))
          yield* forgetMachineId(files.settings)
        }
        return { status: yield* statusAgain, removed }
      }).pipe(oneAtATime.withPermits(1), Effect.withSpan("Machine.logout"))

      return Machine.of({
        status,
        enable,
        disable: write({ "machine.enabled": false }).pipe(
          oneAtATime.withPermits(1),
          Effect.withSpan("Machine.disable")
        ),
        login,
        pair,
        logout,
        waits: Effect.map(config.get, ({ machine }) => machine.enabled)
      })
    })
  )
