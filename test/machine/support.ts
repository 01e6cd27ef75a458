/** A daemon in this process, the stand-in of the remote server, and a device of an account. */
import { Context, Effect, type Scope } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { HobClient } from "../../src/client/HobClient.ts"
import { HappyServer, type HappyServerOptions } from "../support/happyServer/HappyServer.ts"
import { Phone } from "../support/happyServer/Phone.ts"
import { embedded } from "../support/embedded.ts"
import { until } from "../support/home.ts"

/** A server for as long as the scope. */
export const theServer = (options: HappyServerOptions = {}): Effect.Effect<HappyServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => HappyServer.start({ graceMillis: 0, ...options })),
    (server) => Effect.promise(() => server.stop())
  )

export const thePhone = (server: HappyServer, secret?: Buffer): Effect.Effect<Phone, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => Phone.login(server.url, secret)),
    (phone) => Effect.sync(() => phone.close())
  )

type Client = Context.Service.Shape<typeof HobClient>

export interface TestMachine {
  readonly daemon: Effect.Success<ReturnType<typeof embedded>>
  readonly client: Client
  /** Its id, once it has been asked for. */
  readonly id: string
}

/** A daemon in which somebody has logged in; it is not enabled. */
export const theMachine = (server: HappyServer, phone: Phone | undefined, env: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const daemon = yield* embedded({ env: { HAPPY_SERVER_URL: server.url, ...env } })
    const client = yield* daemon.connect
    if (phone !== undefined) {
      const file = env["HAPPY_HOME_DIR"] ?? join(daemon.paths.home, "machine")
      mkdirSync(file, { recursive: true })
      writeFileSync(join(file, "access.key"), phone.legacyAccessKey)
    }
    const { machineId } = yield* client["machine.status"]()
    return { daemon, client, id: machineId }
  })

/** One in which the sync is enabled and everything is confirmed. */
export const theReadyMachine = (
  server: HappyServer,
  phone: Phone,
  env: Readonly<Record<string, string>> = {},
  config: object = {}
) =>
  Effect.gen(function* () {
    const machine = yield* theMachine(server, phone, env)
    const { paths } = machine.daemon
    mkdirSync(dirname(paths.config), { recursive: true })
    writeFileSync(paths.config, JSON.stringify(config))
    yield* machine.client["machine.enable"]({})
    yield* ready(machine)
    return machine
  })

/** Waits, in real time, until the machine is in some state. */
export const inState = (machine: Pick<TestMachine, "client">, state: string) =>
  Effect.gen(function* () {
    let seen = ""
    const run = Effect.runPromiseWith(yield* Effect.context<never>())
    yield* Effect.promise(() =>
      until(`the machine is ${state} (it is ${seen})`, async () => {
        const status = await run(Effect.orDie(machine.client["machine.status"]()))
        seen = `${status.state} ${status.reason}`
        return status.state === state
      })
    )
  })

export const ready = (machine: Pick<TestMachine, "client">) => inState(machine, "ready")

export const eventually = (what: string, check: () => boolean | Promise<boolean>) =>
  Effect.promise(() => until(what, check))
