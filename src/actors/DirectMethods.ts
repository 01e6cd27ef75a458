import { Context, Effect, Layer, type Scope, type Stream } from "effect"
import type { Rpc } from "effect/rpc"

/** One call of a direct method, as its handler sees it. Answered once; what comes later is dropped. */
export interface DirectCall<in A, in E> {
  /** Who asks, as in `options.client.id` of other handlers. */
  readonly clientId: number
  /** A member of the parameters as the client wrote it: for JSON that is only carried. */
  text(member: string): string
  succeed(value: A): void
  /** The same, with the result as its schema would write it. */
  reply(json: string): void
  fail(error: E): void
  /**
   * Of a method that streams: sends items, JSON texts with commas between; as bytes where others are sent the same.
   * Those of one turn go out together.
   */
  push(items: string | Buffer): void
  /** The client is owed more than it may be: nothing more should be pushed until `whenWritable`. */
  isBlocked(): boolean
  /** Calls back once the client is owed less; not at all when it leaves. */
  whenWritable(go: () => void): void
}

/** What ends a call well: nothing, of a method that streams. */
type Answer<R extends Rpc.Any> = Rpc.Success<R> extends Stream.Stream<any, any, any> ? void : Rpc.Success<R>

/** Of a method that streams, what its stream fails with too. */
type Failure<R extends Rpc.Any> = Rpc.Error<R> | (Rpc.Success<R> extends Stream.Stream<any, infer E, any> ? E : never)

/**
 * Answers a call by calling back, now or later, without a fiber. What it returns is called when the client gives the
 * call up, or leaves, before it is answered. What it throws fails the call as a bug.
 */
export type DirectHandler<R extends Rpc.Any> = (
  payload: Rpc.Payload<R>,
  call: DirectCall<Answer<R>, Failure<R>>
) => (() => void) | void

/** Parameters that were read from their text. */
export interface PlainParams<A> {
  readonly payload: A
  /** Members as they were written, that the handler will ask for. */
  readonly texts: Readonly<Record<string, string>>
}

/**
 * Reads parameters in the spelling that most clients use, which is JSON for certain then. `undefined` where they have to
 * be parsed and read by their schema: nothing is refused here.
 */
export type PlainReader<A> = (text: string) => PlainParams<A> | undefined

/** A handler of whatever method. */
export type AnyDirectHandler = (payload: any, call: DirectCall<any, any>) => (() => void) | void

/** Whatever method is answered so. */
export interface AnyDirectMethod {
  readonly handler: AnyDirectHandler
  readonly readPlain: PlainReader<unknown> | undefined
}

/**
 * The methods whose answers are worth more than a fiber each: they are asked many thousands of times a second, or carry
 * JSON that nobody needs to read. Their concern registers them here, beside its ordinary handlers, which do the same
 * for whoever calls in process; doors look here first.
 */
export class DirectMethods extends Context.Service<
  DirectMethods,
  {
    /** From now on, and for as long as the scope is open. */
    answer<R extends Rpc.Any>(
      rpc: R,
      handler: DirectHandler<R>,
      readPlain?: PlainReader<Rpc.Payload<R>>
    ): Effect.Effect<void, never, Scope.Scope>
    readonly find: (tag: string) => AnyDirectMethod | undefined
  }
>()("hob/actors/DirectMethods") {
  static readonly layer = Layer.sync(DirectMethods, () => {
    const methods = new Map<string, AnyDirectMethod>()
    return DirectMethods.of({
      answer: ({ _tag }, handler, readPlain) =>
        Effect.acquireRelease(
          Effect.sync(() => void methods.set(_tag, { handler: handler as AnyDirectHandler, readPlain })),
          () => Effect.sync(() => void methods.delete(_tag))
        ),
      find: (tag) => methods.get(tag)
    })
  })
}
