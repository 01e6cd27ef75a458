import { Cause, Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { type Rpc, RpcClient, type RpcClientError, type RpcGroup } from "effect/rpc"
import { makePaths, type Paths } from "../config/paths.ts"
import { HobRpcs } from "../protocol/index.ts"
import { ensureDaemon, NotRunning, StartFailed } from "./start.ts"
import * as SocketProtocol from "./wire/SocketProtocol.ts"

/** Where the daemon is, and whether to start one. */
export interface ConnectOptions {
  /** Default: the paths that this process's environment leads to. */
  readonly paths?: Paths
  /** Whether to start a daemon when none runs. Default true. */
  readonly start?: boolean
}

/** hob's methods as Effects and Streams: `client["sessions.list"]({})`. Errors are the typed ones of the protocol. */
export class HobClient extends Context.Service<
  HobClient,
  RpcClient.FromGroup<HobRpcs, RpcClientError.RpcClientError>
>()("hob/client/HobClient") {
  /** A connection to this home's daemon, for as long as the layer lives. */
  static readonly layer = (options: ConnectOptions = {}): Layer.Layer<HobClient, NotRunning | StartFailed> =>
    Layer.effect(HobClient, make(options))
}

const make = Effect.fnUntraced(function* ({ paths = makePaths(process.env), start = true }: ConnectOptions) {
  const { socket } = yield* Effect.tryPromise({
    try: () => ensureDaemon({ paths, start }),
    catch: (error) =>
      error instanceof NotRunning || error instanceof StartFailed ? error : new StartFailed(String(error))
  })
  const protocol = yield* Effect.mapError(SocketProtocol.make(socket), (error) => new StartFailed(error.message))
  return yield* RpcClient.make(HobRpcs, { disableTracing: true }).pipe(
    Effect.provideService(RpcClient.Protocol, protocol)
  )
})

type Method<R extends Rpc.Any> =
  Rpc.Success<R> extends Stream.Stream<infer A, infer _E, infer _R>
    ? (payload: Rpc.PayloadConstructor<R>) => AsyncIterable<A>
    : (payload: Rpc.PayloadConstructor<R>) => Promise<Rpc.Success<R>>

/** hob's methods as Promises and async iterables. A rejection is the protocol's typed error, or `RpcClientError`. */
export type PromiseClient = {
  readonly [R in RpcGroup.Rpcs<HobRpcs> as R["_tag"]]: Method<R>
} & AsyncDisposable

/**
 * Connects to this home's daemon. Close it with `await using`, or by `Symbol.asyncDispose`: what the connection owns
 * is then given back. Rejects with {@link NotRunning} or {@link StartFailed}.
 */
export const connect = async (options: ConnectOptions = {}): Promise<PromiseClient> => {
  const scope = Scope.makeUnsafe()
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const client = await settle(Scope.provide(make(options), scope)).catch(async (error) => {
    await close()
    throw error
  })
  const methods: Record<string, unknown> = {}
  for (const tag of HobRpcs.requests.keys()) {
    const method = client[tag as keyof typeof client] as (
      payload: unknown
    ) => Effect.Effect<unknown> | Stream.Stream<unknown>
    methods[tag] = (payload: unknown) => {
      const result = method(payload)
      return Effect.isEffect(result) ? settle(result) : Stream.toAsyncIterableWith(result, Context.empty())
    }
  }
  return { ...methods, [Symbol.asyncDispose]: close } as unknown as PromiseClient
}

/** Runs an effect; rejects with the failure itself, not with a wrapper around it. */
const settle = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromiseExit(effect).then((exit) => {
    if (Exit.isSuccess(exit)) return exit.value
    throw Cause.squash(exit.cause)
  })
