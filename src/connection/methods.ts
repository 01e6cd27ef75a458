import { Cause, Context, Effect, Exit, Option, Schema, SchemaAST, SchemaIssue, SchemaParser } from "effect"
import { Rpc, type RpcGroup, RpcSchema } from "effect/rpc"
import * as Jit from "effect/schema/SchemaJITCompiler"
import type { AnyDirectMethod } from "../actors/DirectMethods.ts"
import { RpcErrorCode } from "../protocol/errors.ts"
import { Endless } from "../protocol/endless.ts"
import { Immediate } from "../protocol/immediate.ts"
import { type EncodedReason, errorReply, refusal, type RequestId, resultReply } from "./replies.ts"

/** A method as the door sees it: how its parameters are read, how what it answers is written, and whether it waits. */
export interface Method {
  readonly tag: string
  /** The handler never waits: it is answered in the connection's fiber. */
  readonly immediate: boolean
  /** Answers with any number of items. */
  readonly streams: boolean
  /** Goes on for as long as its client wants; not waited for when the door closes. */
  readonly endless: boolean
  /** Answers by calling back: used in place of `handler` where it is there. */
  readonly direct: AnyDirectMethod | undefined
  readonly handler: Rpc.Handler<string>["handler"]
  readonly context: Context.Context<never>
  readonly rpc: Rpc.AnyWithProps
  /** Reads `params`; absent ones stand for no parameters. */
  readonly params: Codec
  readonly success: Codec
  readonly encodeFailure: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<unknown, SchemaIssue.Issue>
  readonly encodeChunk: (values: ReadonlyArray<unknown>) => Effect.Effect<unknown, SchemaIssue.Issue>
}

/** One direction of a schema. */
export interface Codec {
  /** At once, for what is right and needs nothing. Throws otherwise, and then `effect` tells why or succeeds. */
  readonly now: (value: unknown) => unknown
  readonly effect: (value: unknown) => Effect.Effect<unknown, SchemaIssue.Issue>
}

/**
 * The methods of a group, each with its codecs compiled (the Schema JIT reads and writes a small message several times
 * faster than the interpreter). `handlers` holds the handlers that the group's layer made, `direct` finds those that
 * answer without a fiber.
 */
export const makeMethods = <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  handlers: Context.Context<Rpc.ToHandler<Rpcs>>,
  direct: (tag: string) => AnyDirectMethod | undefined = () => undefined
): ReadonlyMap<string, Method> => {
  const methods = new Map<string, Method>()
  for (const [tag, any] of group.requests as ReadonlyMap<string, Rpc.Any>) {
    const rpc = any as Rpc.AnyWithProps
    const entry = handlers.mapUnsafe.get(rpc.key) as Rpc.Handler<string> | undefined
    if (entry === undefined) throw new Error(`The method ${tag} has no handler.`)
    methods.set(tag, makeMethod(rpc, entry, direct(tag)))
  }
  return methods
}

const makeMethod = (rpc: Rpc.AnyWithProps, entry: Rpc.Handler<string>, direct: AnyDirectMethod | undefined): Method => {
  const isStream = RpcSchema.isStreamSchema(rpc.successSchema)
  const success = RpcSchema.isStreamSchema(rpc.successSchema) ? rpc.successSchema.success : rpc.successSchema
  const options = Context.get(rpc.annotations, Rpc.ParseOptions)
  const needServices = <A, E>(effect: Effect.Effect<A, E, unknown>): Effect.Effect<A, E> =>
    Exit.isExit(effect)
      ? (effect as Exit.Exit<A, E>)
      : Effect.provideContext(effect, entry.context as Context.Context<unknown>)
  const encoder = (schema: Schema.Top): Codec => {
    const codec = Schema.toCodecJson(schema)
    Jit.enable(SchemaAST.flip(codec.ast))
    const encode = SchemaParser.encodeUnknownEffect(codec, options)
    return {
      now: SchemaParser.encodeUnknownSync(codec as unknown as Schema.ConstraintEncoder<unknown>, options),
      effect: (value) => needServices(encode(value))
    }
  }
  const decoder = (schema: Schema.Top): Codec => {
    // A method without parameters takes any: readers ignore what they don't know.
    if (SchemaAST.isVoid(schema.ast)) return { now: () => undefined, effect: () => Exit.void }
    const codec = Schema.toCodecJson(schema)
    Jit.enable(codec.ast)
    const decode = SchemaParser.decodeUnknownEffect(codec, options)
    const decodeNow = SchemaParser.decodeUnknownSync(codec as unknown as Schema.ConstraintDecoder<unknown>, options)
    return { now: (params) => decodeNow(params ?? {}), effect: (params) => needServices(decode(params ?? {})) }
  }
  return {
    tag: rpc._tag,
    streams: isStream,
    endless: Context.get(rpc.annotations, Endless),
    immediate: !isStream && rpc.middlewares.size === 0 && Context.get(rpc.annotations, Immediate),
    direct,
    handler: entry.handler,
    context: entry.context,
    rpc,
    params: decoder(rpc.payloadSchema),
    success: encoder(isStream ? Schema.Void : success),
    encodeFailure: encoder(Rpc.exitSchema(rpc)).effect,
    encodeChunk: encoder(Schema.NonEmptyArray(success)).effect
  }
}

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first thing wrong with a request's parameters, in one line: where, and what was expected. Never what was sent. */
export const describeIssue = (issue: SchemaIssue.Issue): string => {
  const first = formatIssue(issue).issues[0]
  if (first === undefined) return "params: not what this method takes."
  const path = (first.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))
  return `${shorten(["params", ...path].join("."), 120)}: ${shorten(first.message, 240)}.`
}

const shorten = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}…` : text)

/** The reply that tells a client how its call ended: at once where the codec allows it. */
export const exitReply = (
  method: Method,
  id: RequestId,
  exit: Exit.Exit<unknown, unknown>
): string | Effect.Effect<string> => {
  if (Exit.isFailure(exit)) return failureReply(method, id, exit)
  try {
    return resultReply(id, method.success.now(exit.value))
  } catch {
    return Effect.matchEffect(method.success.effect(exit.value), {
      onSuccess: (value) => Effect.succeed(resultReply(id, value)),
      onFailure: (issue) => notEncodable(method, id, issue)
    })
  }
}

const failureReply = (method: Method, id: RequestId, exit: Exit.Failure<unknown, unknown>): Effect.Effect<string> => {
  const { code, message } = describeCause(exit.cause)
  return Effect.matchEffect(method.encodeFailure(exit), {
    onSuccess: (encoded) =>
      Effect.succeed(
        errorReply(id, code, message, (encoded as { readonly cause: ReadonlyArray<EncodedReason> }).cause)
      ),
    onFailure: (issue) => notEncodable(method, id, issue)
  })
}

const describeCause = (cause: Cause.Cause<unknown>): { readonly code: RpcErrorCode; readonly message: string } => {
  const failure = Cause.findErrorOption(cause)
  if (Option.isSome(failure)) return { code: RpcErrorCode.failed, message: messageOf(failure.value) }
  if (Cause.hasDies(cause)) {
    return {
      code: RpcErrorCode.internalError,
      message: `A bug in hob: ${shorten(messageOf(Cause.squash(cause)), 240)}`
    }
  }
  return { code: RpcErrorCode.cancelled, message: "The call was cancelled." }
}

const messageOf = (error: unknown): string => {
  if (typeof error === "object" && error !== null) {
    if ("message" in error && typeof error.message === "string" && error.message !== "") return error.message
    if ("_tag" in error) return String(error._tag)
  }
  return String(error)
}

/** A handler gave what its schema does not allow: a bug, told to whoever called and to the log. */
export const notEncodable = (method: Method, id: RequestId, issue: SchemaIssue.Issue): Effect.Effect<string> => {
  const message = `A bug in hob: the answer of ${method.tag} does not fit its schema.`
  return Effect.as(
    Effect.logError(message, formatIssue(issue).issues),
    refusal(id, RpcErrorCode.internalError, message)
  )
}
