import { Clock, Context, Effect, FiberSet, Latch, type Scope } from "effect"
import type { AddressInfo } from "node:net"
import { Agents } from "../../agents/Agents.ts"
import { happyPaths } from "../../config/dialectPaths.ts"
import { identityOf } from "../../config/processIdentity.ts"
import { ensureMachineId } from "../../machine/identity.ts"
import { Machine } from "../../machine/Machine.ts"
import { starting } from "../../machine/starting.ts"
import { Sessions } from "../../sessions/Sessions.ts"
import { header } from "../../wire/http/headers.ts"
import { type Exchange, HttpListener } from "../../wire/http/HttpListener.ts"
import { Refusal } from "../claim.ts"
import type { Dialect, Heard } from "../Dialect.ts"
import { holdPidFile } from "../pidFile.ts"
import { decideAdmit, isAnotherUser } from "./admit.ts"
import {
  type DaemonFile,
  type HappyPaths,
  installedVersion,
  makeLog,
  pidIn,
  removeDaemonFiles,
  writeDaemonFiles
} from "./files.ts"
import { bodyTooLarge, forbidden } from "./messages.ts"
import { makeRequests } from "./requests.ts"

type Services = Agents | Machine | Sessions

const HOST = "127.0.0.1"
const REQUEST_MILLIS = 20_000
const MAX_CONNECTIONS = 64
const BODY_BYTES = 1024 * 1024
/** As often as the original says that it lives. */
const HEARTBEAT = "1 minute"
/** How long answers that are owed may take when it is closed: its clients kill what lives longer than two seconds. */
const DRAIN = "1 second"

/** happy's own daemon, for its command: on a port that it finds in a file. */
export const make: Effect.Effect<Dialect, never, Services> = Effect.gen(function* () {
  const services = Context.pick(Agents, Machine, Sessions)(yield* Effect.context<Services>())
  return {
    name: "happy",
    args: { expected: "no arguments", accepts: (args) => args.length === 0 },
    listensItself: true,
    socket: (_args, env) => happyPaths(env).state,
    open: ({ env, shutDown }) =>
      Effect.gen(function* () {
        const agents = yield* Agents
        const machine = yield* Machine
        const sessions = yield* Sessions
        const paths = happyPaths(env)
        const version = () => installedVersion(env)
        const fork = yield* FiberSet.makeRuntime<never, void, never>()
        const requests = makeRequests({
          agents,
          machine,
          sessions,
          starting: starting(agents),
          env,
          version,
          shutDown: shutDown("a client asked it to stop")
        })

        const listen: Effect.Effect<Heard, Refusal, Scope.Scope> = Effect.gen(function* () {
          yield* checkNobodyElse(paths)
          // The process in its files is one that waits for nothing else: clients end it, and mean the daemon.
          const held = yield* holdPidFile(paths.lock, "hob-dialect-happy")
          const startedAt = yield* Clock.currentTimeMillis
          const log = makeLog(paths, held.pid, startedAt)
          const failed = Latch.makeUnsafe()
          let httpPort = 0
          const listener: HttpListener = new HttpListener({
            host: HOST,
            port: 0,
            requestMillis: REQUEST_MILLIS,
            maxConnections: () => MAX_CONNECTIONS,
            verbs: "POST",
            handle: (exchange) => handle(exchange)
          })
          const handle = (exchange: Exchange): void => {
            const { head, reply } = exchange
            const route = `${head.method.slice(0, 16)} ${head.target.split("?", 1)[0]!.slice(0, 64)}`
            const refused = isAnotherUser(exchange.port, httpPort)
              ? forbidden("Other users of this machine are not answered.")
              : decideAdmit(head)
            if (refused !== undefined) {
              log.write(`${route}: ${refused.status}`)
              return reply(refused)
            }
            exchange.receive(BODY_BYTES, (received) => {
              if (typeof received === "string") return received === "gone" ? undefined : reply(bodyTooLarge)
              const hasType = header(head.headers, "content-type") !== undefined
              const asked = { method: head.method, path: head.target, hasType, body: received }
              const answered = requests(asked).pipe(
                Effect.catchCause((cause) =>
                  Effect.as(Effect.logError("a client of happy could not be answered", cause), {
                    status: 500,
                    body: { error: "hob has failed; its log says how." }
                  })
                ),
                Effect.map((answer) => {
                  log.write(`${route}: ${answer.status}`)
                  reply(answer)
                })
              )
              fork(answered)
            })
          }
          const opened = yield* Effect.acquireRelease(
            open(listener, () => failed.openUnsafe()),
            () => close(listener)
          )
          if ("code" in opened) {
            return yield* new Refusal({
              reason: `No port of ${HOST} can be listened on: ${opened.message}.`,
              pid: null
            })
          }
          httpPort = (opened as AddressInfo).port

          const write = (heartbeatAt?: number) =>
            attempt(() => {
              const file: DaemonFile = {
                pid: held.pid,
                httpPort,
                startedAt,
                ...(heartbeatAt === undefined ? {} : { heartbeatAt }),
                version: version(),
                log: log.path
              }
              writeDaemonFiles(paths, file)
            })
          yield* Effect.acquireRelease(write(), () => Effect.sync(() => removeDaemonFiles(paths, held.pid)))
          const { machineId } = yield* Effect.mapError(machine.status, asRefusal)
          yield* Effect.mapError(ensureMachineId(paths.settings, machineId), asRefusal)
          log.write(`hob ${process.pid} answers on port ${httpPort}`)
          yield* Effect.addFinalizer(() => Effect.sync(() => log.write("it is closed")))

          /** Whoever has taken its place is not fought with; a file that was removed comes back. */
          const beat = Effect.gen(function* () {
            for (;;) {
              yield* Effect.sleep(HEARTBEAT)
              const other = pidIn(paths.state)
              if (other !== undefined && other !== held.pid && identityOf(other) !== null) {
                return `pid ${other} has taken its place in ${paths.state}`
              }
              yield* Effect.ignore(write(yield* Clock.currentTimeMillis))
            }
          })
          return {
            ended: Effect.raceFirst(held.ended, beat),
            gone: Effect.as(failed.await, `the port ${httpPort} was closed`)
          }
        })
        return { listen, serve: () => Effect.void }
      }).pipe(Effect.provide(services))
  }
})

const asRefusal = (error: { readonly message: string }) => new Refusal({ reason: error.message, pid: null })
const attempt = (act: () => void) => Effect.try({ try: act, catch: (error) => asRefusal(error as Error) })

/** A daemon of happy's own that lives is told of, and left alone. */
const checkNobodyElse = (paths: HappyPaths): Effect.Effect<void, Refusal> => {
  const pid = pidIn(paths.state)
  if (pid === undefined || identityOf(pid) === null) return Effect.void
  const reason = `${paths.state} names pid ${pid}, which runs. End that daemon (\`happy daemon stop\`) and try again; if it is another program (ps -p ${pid}), remove the file.`
  return Effect.fail(new Refusal({ reason, pid }))
}

const open = (listener: HttpListener, failed: () => void): Effect.Effect<AddressInfo | NodeJS.ErrnoException> =>
  Effect.callback((resume) => listener.listen((result) => resume(Effect.succeed(result)), failed))

const close = (listener: HttpListener): Effect.Effect<void> =>
  Effect.callback<void>((resume) => listener.close(() => resume(Effect.void))).pipe(
    Effect.interruptible,
    Effect.timeoutOption(DRAIN),
    Effect.andThen(Effect.sync(() => listener.cutOff()))
  )
