import { Context, Effect, Layer, Semaphore, type Stream } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { Shutdown } from "../actors/Shutdown.ts"
import { setInConfigFile } from "../config/editConfigFile.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { MachinePaths } from "../config/machinePaths.ts"
import type { Paths } from "../config/paths.ts"
import {
  type ConfigInvalid,
  type ConfigNotWritten,
  type MachineFileFailed,
  MachineFixed,
  MachineNotLoggedIn,
  type MachinePairingExpired,
  type MachineStatus,
  type PairingItem
} from "../protocol/index.ts"
import { readCredentials } from "./credentials.ts"
import type { DaemonFacts, Metadata } from "./facts.ts"
import { LOG_IN, makeFollowing, type MachineSettings } from "./Following.ts"
import { ensureMachineId } from "./identity.ts"
import { type LoginFailure, makeLogins } from "./logins.ts"
import type { RemoteCall } from "./RemoteCall.ts"

type NotWritten = MachineFixed | ConfigInvalid | ConfigNotWritten

/** This machine at the remote server: kept in step while the configuration wants it, and somebody has logged in. */
export class Machine extends Context.Service<
  Machine,
  {
    /** How it stands with the server; makes the machine's id where there is none yet. */
    readonly status: Effect.Effect<MachineStatus, MachineFileFailed>
    /** See `machine.enable`. */
    enable(
      serverUrl: string | undefined
    ): Effect.Effect<MachineStatus, MachineNotLoggedIn | MachineFileFailed | NotWritten>
    readonly disable: Effect.Effect<MachineStatus, MachineFileFailed | NotWritten>
    /** See `machine.login`. */
    login(secret: string | undefined): Effect.Effect<MachineStatus, LoginFailure | MachineNotLoggedIn>
    /** See `machine.pair`. */
    readonly pair: Stream.Stream<PairingItem, LoginFailure | MachinePairingExpired>
    /** See `machine.logout`. */
    readonly logout: Effect.Effect<{ readonly status: MachineStatus; readonly removed: boolean }, MachineFileFailed>
    /** Whether it is enabled: then hob is needed though nobody is connected. */
    readonly waits: Effect.Effect<boolean>
  }
>()("hob/machine/Machine") {}

export interface MachineOptions {
  readonly paths: Pick<Paths, "config">
  readonly files: MachinePaths
  /** The daemon's. `HAPPY_SERVER_URL` and `HAPPY_WEBAPP_URL` go before the settings. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly metadata: Effect.Effect<Metadata>
  readonly facts: Effect.Effect<DaemonFacts>
  /** What devices may call, by what is permitted. */
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

      /** Writes settings into the configuration's file, where they are not so already, and takes them. */
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

      const { login, logout, pair } = makeLogins({
        env,
        files,
        oneAtATime,
        settings: Effect.map(config.get, ({ machine }) => ({ ...machine, serverUrl: urlOf(machine) })),
        status: statusAgain
      })

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
