/** How this machine comes by its credentials, and how it gives them up. */
import { Effect, Option, type Semaphore, Stream } from "effect"
import { rmSync } from "node:fs"
import { happyMachinePaths, type MachinePaths } from "../config/machinePaths.ts"
import {
  MachineFileFailed,
  MachineLoggedIn,
  MachineNotLoggedIn,
  type MachinePairingExpired,
  type MachineRefused,
  type MachineServerUnreachable,
  type MachineStatus,
  type PairingItem
} from "../protocol/index.ts"
import { type Credentials, readCredentials, writeCredentials } from "./credentials.ts"
import type { MachineSettings } from "./Following.ts"
import { ensureMachineId, forgetMachineId, machineIdIn } from "./identity.ts"
import * as Pairing from "./pairing.ts"

export type LoginFailure = MachineLoggedIn | MachineServerUnreachable | MachineRefused | MachineFileFailed

export interface LoginsOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly files: MachinePaths
  /** Held while credentials or the configuration are changed. */
  readonly oneAtATime: Semaphore.Semaphore
  /** With the server that is really meant. */
  readonly settings: Effect.Effect<MachineSettings>
  /** How it stands once the change has been taken up. */
  readonly status: Effect.Effect<MachineStatus, MachineFileFailed>
}

export interface Logins {
  /** By the account's secret; undefined: by the credentials of the server's own program, as the machine that it is there. */
  readonly login: (secret: string | undefined) => Effect.Effect<MachineStatus, LoginFailure | MachineNotLoggedIn>
  /** By a device of the account, which is shown a link. */
  readonly pair: Stream.Stream<PairingItem, LoginFailure | MachinePairingExpired>
  /** Also forgets the machine's id. `removed`: false where there was nothing, or it belongs to the server's own program. */
  readonly logout: Effect.Effect<{ readonly status: MachineStatus; readonly removed: boolean }, MachineFileFailed>
}

export const makeLogins = ({ env, files, oneAtATime, settings, status }: LoginsOptions): Logins => {
  const onFile = (act: () => void) =>
    Effect.try({
      try: act,
      catch: (error) => new MachineFileFailed({ file: files.credentials, detail: (error as Error).message })
    })

  const checkLoggedOut = Effect.suspend(() =>
    readCredentials(files.credentials).type === "missing"
      ? Effect.void
      : Effect.fail(new MachineLoggedIn({ file: files.credentials }))
  )

  const keep = (credentials: Credentials, machineId?: string) =>
    ensureMachineId(files.settings, machineId).pipe(
      Effect.andThen(onFile(() => writeCredentials(files.credentials, credentials))),
      Effect.andThen(status)
    )

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
    return yield* keep(yield* Pairing.logIn((yield* settings).serverUrl, parsed.value))
  }, oneAtATime.withPermits(1))

  const toItem = (step: Pairing.PairingStep): Effect.Effect<PairingItem, MachineLoggedIn | MachineFileFailed> => {
    if (step.type === "link") {
      const { link, webLink } = step
      const expiresAt = new Date(step.expiresAt).toISOString() as MachineStatus["since"]
      return Effect.succeed({ kind: "link", link, webLink, expiresAt })
    }
    // Somebody may have logged in while the link was shown.
    return checkLoggedOut.pipe(
      Effect.andThen(keep(step.credentials)),
      Effect.map((status) => ({ kind: "paired" as const, status })),
      oneAtATime.withPermits(1)
    )
  }

  const pair = Stream.unwrap(
    Effect.gen(function* () {
      yield* checkLoggedOut
      const { serverUrl, webappUrl } = yield* settings
      return Stream.mapEffect(Pairing.pair(serverUrl, env["HAPPY_WEBAPP_URL"] || webappUrl), toItem)
    })
  )

  const logout = Effect.gen(function* () {
    const removed = !files.isShared && readCredentials(files.credentials).type !== "missing"
    if (removed) {
      yield* onFile(() => rmSync(files.credentials))
      yield* forgetMachineId(files.settings)
    }
    return { status: yield* status, removed }
  }).pipe(oneAtATime.withPermits(1), Effect.withSpan("Machine.logout"))

  return { login, pair, logout }
}
