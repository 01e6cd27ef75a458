import { Cause, Effect, Exit, FiberSet, Option } from "effect"
import type { Settings } from "../config/settings.ts"
import {
  InvalidParams,
  InvalidResult,
  type MethodError,
  MethodFailed,
  MethodsBusy,
  UnknownMethod,
  WorkerEnded
} from "../protocol/methodErrors.ts"
import type { Invocation } from "./Methods.ts"
import type { Module } from "./Module.ts"
import type { Handle } from "./ModuleState.ts"
import type { Failure } from "./Worker.ts"

const nothing = (): void => {}

/** A call of a module's method as an effect. Interrupting it gives the call up. */
export const invokeModule = (
  module: Module,
  invocation: Invocation,
  settings: Settings["methods"]
): Effect.Effect<unknown, MethodError> => {
  const { method, namespace } = invocation
  const { current, inFlight } = module.state
  if (inFlight >= settings.maxInFlightCount || (current?.unreadBytes ?? 0) > settings.queueBytes)
    return Effect.fail(new MethodsBusy({ namespace, method, inFlight }))
  return invocation.prompt === undefined ? begin(module, invocation, nothing) : asking(module, invocation)
}

/** Questions are asked in fibers of their own: a method may ask several at once. */
const asking = (module: Module, invocation: Invocation): Effect.Effect<unknown, MethodError> =>
  Effect.gen(function* () {
    const fork = yield* FiberSet.makeRuntime<never>()
    return yield* begin(module, invocation, (prompt, question, handle) => {
      fork(
        Effect.onExit(invocation.prompt!(question), (exit) =>
          Effect.sync(() => {
            const at = handle()?.at
            if (at === undefined) return
            if (Exit.isSuccess(exit)) at.worker.answer(at.id, prompt, exit.value)
            else at.worker.refuse(at.id, prompt, refusalOf(exit.cause))
          })
        ).pipe(Effect.ignore)
      )
    })
  }).pipe(Effect.scoped)

const refusalOf = (cause: Cause.Cause<Error>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => "The question was not answered.",
    onSome: ({ message }) => message
  })

type Ask = (prompt: number, question: any, handle: () => Handle | undefined) => void

const begin = (module: Module, invocation: Invocation, ask: Ask): Effect.Effect<unknown, MethodError> =>
  Effect.callback((resume) => {
    const { caller, method, onEmit = nothing, onProgress = nothing, params = {}, prompt } = invocation
    let handle: Handle | undefined
    handle = module.call(
      { method, params, caller, asks: prompt !== undefined },
      {
        succeed: (value) => resume(Effect.succeed(value)),
        fail: (failure) => resume(Effect.fail(errorOf(failure, invocation))),
        progress: onProgress,
        emitted: onEmit,
        prompt: (number, question) => ask(number, question, () => handle)
      }
    )
    return Effect.suspend(() => module.cancel(handle!, "its caller does not wait any more"))
  })

const errorOf = (failure: Failure, { method, namespace }: Invocation): MethodError => {
  if (failure._tag === "ModuleBroken") return failure
  if (failure._tag === "Ended") return new WorkerEnded({ namespace, method, reason: failure.reason })
  switch (failure.problem) {
    case "params":
      return new InvalidParams({ namespace, method, problem: failure.message })
    case "result":
      return new InvalidResult({ namespace, method, problem: failure.message })
    case "unknown":
      return new UnknownMethod({ namespace, method })
    case "thrown":
      return new MethodFailed({ namespace, method, reason: failure.message })
  }
}
