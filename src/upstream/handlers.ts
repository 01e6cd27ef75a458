import { Cause, Effect, Exit, FiberSet, Option, Queue, Schema, Stream } from "effect"
import { Announcer, WrittenJson } from "../actors/Announcer.ts"
import { DirectMethods } from "../actors/DirectMethods.ts"
import { ChannelName } from "../protocol/channelNames.ts"
import {
  CallUpstream,
  type LoginItem,
  type LoginUpstream,
  UpstreamBadRequest,
  type UpstreamCallError,
  type UpstreamCallItem,
  UpstreamRpcs
} from "../protocol/upstream.ts"
import { Prompts } from "./Prompts.ts"
import { oneLine } from "./scan.ts"
import { Upstreams } from "./Upstreams.ts"

/** What a caller may be behind before items are left out; results never are. */
const ITEMS = 1024

type Request = typeof CallUpstream.payloadSchema.Type

/** Answers `upstream.*`: calls without effect's RPC where a door asks for that, and in the ordinary way. */
export const layer = UpstreamRpcs.toLayer(
  Effect.gen(function* () {
    const upstreams = yield* Upstreams
    const announcer = yield* Announcer
    const direct = yield* DirectMethods
    const fork = yield* FiberSet.makeRuntime<never, void, never>()
    const prompts = new Prompts()

    /** The items of a call, the result last; `offer` says whether there was room. */
    const items = (request: Request, client: number, offer: (item: UpstreamCallItem) => boolean) => {
      let dropped = 0
      const tell = (item: UpstreamCallItem): void => {
        if (!offer(item)) dropped++
      }
      const { ask, end } = prompts.asker(client, (prompt, question) => offer({ type: "prompt", prompt, question }))
      const call = upstreams.call({
        ...request,
        onJob: (job) => tell({ type: "job", job }),
        onProgress: (progress) => tell({ type: "progress", ...progress }),
        ask
      })
      return Effect.map(Effect.ensuring(call, end), (result): ReadonlyArray<UpstreamCallItem> => {
        const last: UpstreamCallItem = { type: "result", result }
        return dropped === 0 ? [last] : [{ type: "dropped", count: dropped }, last]
      })
    }

    yield* direct.answer(CallUpstream, (request, one) => {
      const call = items(request, one.clientId, (item) => {
        if (one.isBlocked()) return false
        one.push(JSON.stringify(item))
        return true
      })
      const fiber = fork(
        Effect.matchCause(call, {
          onSuccess: (last) => {
            for (const item of last) one.push(JSON.stringify(item))
            one.succeed(undefined)
          },
          onFailure: (cause) => {
            const error = Cause.findErrorOption(cause)
            if (Option.isSome(error)) one.fail(error.value)
          }
        })
      )
      return () => void fiber.interruptUnsafe()
    })

    const calling = (request: Request, client: number): Stream.Stream<UpstreamCallItem, UpstreamCallError> =>
      Stream.unwrap(
        Effect.gen(function* () {
          const queue = yield* Queue.dropping<UpstreamCallItem, UpstreamCallError | Cause.Done>(ITEMS)
          let last: ReadonlyArray<UpstreamCallItem> = []
          yield* items(request, client, (item) => Queue.offerUnsafe(queue, item)).pipe(
            Effect.onExit((exit) =>
              Effect.sync(() => {
                if (Exit.isFailure(exit)) return Queue.failCauseUnsafe(queue, exit.cause)
                last = exit.value
                return Queue.endUnsafe(queue)
              })
            ),
            Effect.forkScoped
          )
          return Stream.concat(
            Stream.fromQueue(queue),
            Stream.suspend(() => Stream.fromIterable(last))
          )
        })
      )

    const loggingIn = (request: typeof LoginUpstream.payloadSchema.Type, client: number) =>
      Stream.callback<LoginItem, LoginFailure>((queue) => {
        const { ask, end } = prompts.asker(client, (prompt, question) =>
          Queue.offerUnsafe(queue, { type: "prompt", prompt, question })
        )
        return upstreams.login({ ...request, ask }).pipe(
          Effect.ensuring(end),
          Effect.flatMap((upstream) => Queue.offer(queue, { type: "up", upstream })),
          Effect.matchCauseEffect({
            onSuccess: () => Queue.end(queue),
            onFailure: (cause) => Queue.failCause(queue, cause)
          })
        )
      })

    /** Of each channel that somebody wants: whose events are published there, the first one's. */
    const bridges = new Map<string, Set<object>>()
    const publishing = (events: Events, name: string, collection: string): Events => {
      const channel = `upstream:${name}:${collection}`
      if (!isChannel(channel)) {
        const problem = `"${channel}" can't be the name of a channel`
        return Stream.fail(new UpstreamBadRequest({ upstream: name, method: "core.subscribe", problem }))
      }
      const one = {}
      // Looked up when it begins, and not before: of two that come at once, both must find the same.
      const begin = Effect.sync(() => void bridges.set(channel, (bridges.get(channel) ?? new Set()).add(one)))
      const end = Effect.sync(() => {
        const together = bridges.get(channel)
        together?.delete(one)
        if (together?.size === 0) bridges.delete(channel)
      })
      return Stream.unwrap(
        Effect.as(
          Effect.acquireRelease(begin, () => end),
          events
        )
      ).pipe(
        Stream.tap((item) =>
          Effect.sync(() => {
            const [first] = bridges.get(channel) ?? []
            if (item.type === "event" && first === one) announcer.announce({ channel, message: written(item.event) })
          })
        )
      )
    }

    return UpstreamRpcs.of({
      "upstream.add": (declared) => upstreams.add(declared),
      "upstream.remove": ({ name }) => upstreams.remove(name),
      "upstream.list": () => Effect.map(upstreams.list, (upstreams) => ({ upstreams })),
      "upstream.status": ({ name }) => upstreams.status(name),
      "upstream.reconnect": ({ name }) => upstreams.reconnect(name),
      "upstream.ping": ({ name, timeoutMillis }) => upstreams.ping(name, timeoutMillis),
      "upstream.answer": (answer, { client }) => prompts.answer(client.id, answer),
      "upstream.call": (request, { client }) => calling(request, client.id),
      "upstream.login": (request, { client }) => loggingIn(request, client.id),
      "upstream.subscribe": ({ channel = false, collection, name }) => {
        const events = upstreams.subscribe(collection, name)
        if (!channel) return events
        return Stream.unwrap(Effect.map(upstreams.status(name), (is) => publishing(events, is.name, collection)))
      }
    })
  })
)

type Events = ReturnType<Upstreams["Service"]["subscribe"]>
type LoginFailure = Effect.Error<ReturnType<Upstreams["Service"]["login"]>>

const isChannel = Schema.is(ChannelName)

/** The event as it was written; where that is no JSON, for `NaN` is in it, its text. */
const written = (event: string): unknown => {
  try {
    JSON.parse(event)
    return new WrittenJson(oneLine(event))
  } catch {
    return event
  }
}
