import { Context, Effect, FiberSet, Schema, Semaphore } from "effect"
import type { Socket } from "node:net"
import { Channels } from "../../channels/Channels.ts"
import { photonPaths } from "../../config/dialectPaths.ts"
import { HobConfig } from "../../config/HobConfig.ts"
import { LockTable } from "../../locks/LockTable.ts"
import { Methods } from "../../methods/Methods.ts"
import { Namespace } from "../../protocol/namespaces.ts"
import { Schedule } from "../../schedule/Schedule.ts"
import type { Dialect } from "../Dialect.ts"
import { makeOneLine, type OneLineLimits } from "../oneLine.ts"
import { Connection, type Shared } from "./Connection.ts"
import { makeJobs } from "./jobs.ts"
import { makeLocks } from "./locks.ts"
import { readLine, UNKNOWN_ID } from "./messages.ts"
import { error, sentences } from "./translate.ts"

type Services = Channels | HobConfig | LockTable | Methods | Schedule

/** What is read of a client that is turned away: enough for the id that it waits for. */
const turnAwayLimits: OneLineLimits = { lineBytes: 64 * 1024, depth: 64, heldBytes: 1024 * 1024, stallMillis: 1000 }

const isNamespace = Schema.is(Namespace)
/** Stands in the path of a photon that has not been named. */
const ANY = "<name>"

/** The daemons of photon: each photon has one of its own, and so a namespace. */
export const make: Effect.Effect<Dialect, never, Services> = Effect.gen(function* () {
  const services = Context.pick(Channels, HobConfig, LockTable, Methods, Schedule)(yield* Effect.context<Services>())
  const largeLine = yield* Semaphore.make(1)
  return {
    name: "photon",
    args: {
      expected: 'the name of a photon: 1 to 128 characters without spaces and "/"',
      accepts: (args) => args.length === 1 && isNamespace(args[0])
    },
    socket: ([name = ANY], env) => photonPaths(env, name).socket,
    pidFile: ([name = ANY], env) => photonPaths(env, name).pidFile,
    open: ({ args, shutDown }) =>
      Effect.gen(function* () {
        const channels = yield* Channels
        const { socket: limits } = yield* (yield* HobConfig).get
        const fork = yield* FiberSet.makeRuntime<never, void, never>()
        const connections = new Set<Connection>()
        const namespace = Namespace.make(args[0]!)
        const shared: Shared = {
          namespace,
          channels,
          methods: yield* Methods,
          locks: makeLocks({ namespace, table: yield* LockTable }),
          jobs: makeJobs({ namespace, schedule: yield* Schedule }),
          limits,
          largeLine,
          fork,
          shutDown: () => void fork(shutDown("a client asked it to shut down"))
        }

        const serve = (socket: Socket): Effect.Effect<void> =>
          Effect.suspend(() => {
            const connection = new Connection(socket, shared)
            connections.add(connection)
            return Effect.ensuring(
              connection.run,
              Effect.sync(() => void connections.delete(connection))
            )
          })

        const strangers = makeOneLine(turnAwayLimits)
        const turnAway = (socket: Socket): Effect.Effect<void> =>
          Effect.gen(function* () {
            const said = yield* strangers.read(socket)
            const id = said.type === "line" ? idOf(said.line) : UNKNOWN_ID
            if (said.type !== "left") yield* strangers.write(socket, error(id, sentences.tooMany))
          })

        return {
          serve,
          turnAway,
          maxClients: limits.maxConnections,
          closing: Effect.sync(() => {
            for (const connection of connections) connection.end()
          })
        }
      }).pipe(Effect.provide(services))
  }
})

const idOf = (line: string): string => {
  const said = readLine(line)
  return said.type === "request" ? JSON.stringify(said.request.id) : said.id
}
