import { Context, Effect, Option } from "effect"
import type { Socket } from "node:net"
import { Captures } from "../../capture/Captures.ts"
import { gitifyPaths } from "../../config/dialectPaths.ts"
import { HobConfig } from "../../config/HobConfig.ts"
import type { Dialect } from "../Dialect.ts"
import { keepLog } from "../keepLog.ts"
import { JsonValues, type Value } from "./JsonValues.ts"
import { readRequest } from "./messages.ts"
import { makeRequests } from "./requests.ts"

const MIB = 1024 * 1024
const REQUEST_BYTES = 8 * MIB
/** How long a client may leave a request unfinished, or an answer untaken. */
const STALL = "30 seconds"

type Services = Captures | HobConfig

/** The daemon of gitify-prompt: captures for its command line and its integrations. */
export const make: Effect.Effect<Dialect, never, Services> = Effect.gen(function* () {
  const services = Context.pick(Captures, HobConfig)(yield* Effect.context<Services>())
  return {
    name: "gitify",
    args: { expected: "no arguments", accepts: (args) => args.length === 0 },
    socket: (_args, env) => gitifyPaths(env).socket,
    pidFile: (_args, env) => gitifyPaths(env).pidFile,
    open: ({ env }) =>
      Effect.gen(function* () {
        const { answer, saveAll } = yield* makeRequests
        const config = yield* HobConfig
        yield* keepLog(gitifyPaths(env).log)

        const respond = (value: Value): Effect.Effect<string> => {
          if ("problem" in value) return Effect.succeed(JSON.stringify({ error: value.problem }))
          const request = readRequest(value.text)
          return typeof request === "string" ? Effect.succeed(JSON.stringify({ error: request })) : answer(request)
        }

        const serve = (socket: Socket): Effect.Effect<void> =>
          Effect.gen(function* () {
            const values = new JsonValues(REQUEST_BYTES)
            for (;;) {
              // Only who has begun to say something may not take its time.
              const read = nextChunk(socket)
              const chunk =
                values.pendingBytes > 0 ? yield* Effect.timeoutOption(read, STALL) : Option.some(yield* read)
              if (Option.isNone(chunk) || chunk.value === null) return
              for (const value of values.push(chunk.value)) {
                const taken = yield* Effect.timeoutOption(write(socket, yield* respond(value)), STALL)
                if (Option.isNone(taken) || !taken.value) return
              }
              if (!values.isTooLong) continue
              yield* write(socket, JSON.stringify({ error: `The request is longer than ${REQUEST_BYTES} bytes.` }))
              return
            }
          })

        const save = Effect.suspend(() =>
          Effect.flatMap(config.get, ({ capture }) =>
            capture.saveOnStop
              ? Effect.asVoid(Effect.timeoutOption(saveAll, Math.max(1, capture.saveOnStopMillis)))
              : Effect.void
          )
        )
        const turnAway = (socket: Socket) =>
          Effect.asVoid(write(socket, JSON.stringify({ error: "Too many clients are connected at once." })))
        return { serve, turnAway, save }
      }).pipe(Effect.provide(services))
  }
})

/** What comes next; null once nothing does. */
const nextChunk = (socket: Socket): Effect.Effect<Buffer | null> =>
  Effect.callback((resume) => {
    const done = (chunk: Buffer | null): void => {
      stop()
      resume(Effect.succeed(chunk))
    }
    const onData = (chunk: Buffer): void => {
      socket.pause()
      done(chunk)
    }
    const onEnd = (): void => done(null)
    const stop = (): void => void socket.off("data", onData).off("end", onEnd).off("close", onEnd)
    if (socket.destroyed || socket.readableEnded) return resume(Effect.succeed(null))
    socket.on("data", onData).on("end", onEnd).on("close", onEnd)
    socket.resume()
    return Effect.sync(stop)
  })

/** One answer in one write: its clients look at the first read alone. False when the client has left. */
const write = (socket: Socket, answer: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    if (socket.destroyed || !socket.writable) return resume(Effect.succeed(false))
    const onClose = (): void => resume(Effect.succeed(false))
    socket.once("close", onClose)
    socket.write(`${answer}\n`, () => {
      socket.off("close", onClose)
      resume(Effect.succeed(true))
    })
  })
