import { Cause, Context, Effect, Exit, FiberSet, Option, Scope } from "effect"
import { makeLimit } from "../actors/TimeLimits.ts"
import type { Settings } from "../config/settings.ts"
import {
  InvalidParams,
  InvalidResult,
  type MethodError,
  MethodFailed,
  MethodsBusy,
  MethodTimedOut,
  UnknownMethod,
  WorkerEnded
} from "../protocol/methodErrors.ts"
import type { Progress, Question } from "../protocol/methods.ts"
import type { Commands } from "./Commands.ts"
import type { Invocation } from "./Methods.ts"
import type { Module } from "./Module.ts"
import type { Entry } from "./Registry.ts"
import type { Failure } from "./Worker.ts"

/** A call as its caller hands it in. */
export interface Call extends Pick<Invocation, "namespace" | "method" | "caller" | "timeoutMillis"> {
  /** JSON, as a text. */
  readonly params: string
}

/** How a question is answered. */
export interface Asking {
  readonly answer: (value: unknown) => void
  /** With why there is no answer, as a sentence. */
  readonly refuse: (reason: string) => void
}

/** Hears what becomes of a call: any number of the first three, then one of the others. */
export interface Caller {
  readonly progress: (progress: Progress) => void
  readonly emitted: (value: unknown) => void
  /** Absent: there is nobody to ask. */
  readonly ask?: ((question: Question, asking: Asking) => void) | undefined
  /** With its JSON, where that is known. */
  readonly succeed: (value: unknown, text?: string | undefined) => void
  readonly fail: (error: MethodError) => void
}

/** Calls without a fiber for each: what many thousands a second go through. */
export class MethodCalls extends Context.Service<
  MethodCalls,
  {
    /** Begins a call and gives what gives it up: nothing is heard of it then. */
    start(call: Call, caller: Caller): () => void
  }
>()("hob/methods/MethodCalls") {}

type Owner = Module | "configuration"

export interface CallsOptions {
  readonly find: (namespace: Call["namespace"], method: Call["method"]) => Entry<Owner> | undefined
  readonly commands: Commands
  readonly settings: () => Settings["methods"]
}

export const make = ({
  commands,
  find,
  settings
}: CallsOptions): Effect.Effect<MethodCalls["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const fork = yield* FiberSet.makeRuntime<never, void, never>()
    const limit = yield* makeLimit

    const limitOf = ({ caller, timeoutMillis }: Call, own: number | undefined): number | undefined => {
      const said = timeoutMillis ?? own
      if (said !== undefined) return said
      const isAttended = caller.kind === "person" || caller.kind === "photon"
      const { unattendedMillis } = settings()
      return isAttended || unattendedMillis === 0 ? undefined : unattendedMillis
    }

    /** How it is begun by its owner, and what gives it up. */
    const begin = (entry: Entry<Owner>, call: Call, caller: Caller): ((reason: string) => void) => {
      const { info, owner } = entry
      if (owner === "configuration") {
        const fiber = fork(
          commands.run(info, call).pipe(
            Effect.matchEffect({
              onSuccess: (value) => Effect.sync(() => caller.succeed(value)),
              onFailure: (error) => Effect.sync(() => caller.fail(error))
            }),
            Effect.asVoid
          )
        )
        return () => fiber.interruptUnsafe()
      }
      const { caller: who, method, params } = call
      const handle = owner.call(
        { method, params, caller: who, asks: caller.ask !== undefined },
        {
          progress: caller.progress,
          emitted: caller.emitted,
          prompt: (prompt, question) =>
            caller.ask?.(question, {
              answer: (value) => handle.at?.worker.answer(handle.at.id, prompt, value),
              refuse: (reason) => handle.at?.worker.refuse(handle.at.id, prompt, reason)
            }),
          succeed: caller.succeed,
          fail: (failure) => caller.fail(errorOf(failure, call))
        }
      )
      return (reason) => fork(owner.cancel(handle, reason))
    }

    const start: MethodCalls["Service"]["start"] = (call, caller) => {
      const { method, namespace } = call
      const entry = find(namespace, method)
      if (entry === undefined) {
        caller.fail(new UnknownMethod({ namespace, method }))
        return nothing
      }
      const busy = entry.owner === "configuration" ? undefined : busyness(entry.owner, settings())
      if (busy !== undefined) {
        caller.fail(new MethodsBusy({ namespace, method, inFlight: busy }))
        return nothing
      }
      const timeoutMillis = limitOf(call, entry.info.timeoutMillis)
      if (timeoutMillis === undefined) {
        const giveUp = begin(entry, call, caller)
        return () => giveUp("its caller does not wait any more")
      }
      let isOpen = true
      const takeBack = limit(timeoutMillis, () => {
        if (!isOpen) return
        isOpen = false
        giveUp(`its ${timeoutMillis} ms are over`)
        caller.fail(new MethodTimedOut({ namespace, method, timeoutMillis }))
      })
      const close = (): boolean => {
        takeBack()
        const wasOpen = isOpen
        isOpen = false
        return wasOpen
      }
      const giveUp = begin(entry, call, {
        progress: caller.progress,
        emitted: caller.emitted,
        ask: caller.ask,
        succeed: (value, text) => void (close() && caller.succeed(value, text)),
        fail: (error) => void (close() && caller.fail(error))
      })
      return () => {
        if (close()) giveUp("its caller does not wait any more")
      }
    }

    return MethodCalls.of({ start })
  })

const nothing = (): void => {}

/** How much is in hand, where that is as much as may be. */
const busyness = ({ state }: Module, { maxInFlightCount, queueBytes }: Settings["methods"]): number | undefined => {
  const { current, inFlight } = state
  return inFlight >= maxInFlightCount || (current?.unreadBytes ?? 0) > queueBytes ? inFlight : undefined
}

const errorOf = (failure: Failure, { method, namespace }: Call): MethodError => {
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

/** A call as an effect; interrupting it gives the call up, and the questions that it asks. */
export const invokeWith = (
  { start }: MethodCalls["Service"],
  invocation: Invocation
): Effect.Effect<unknown, MethodError> => {
  const { caller, method, namespace, onEmit = nothing, onProgress = nothing, prompt, timeoutMillis } = invocation
  const params = invocation.params === undefined ? "{}" : JSON.stringify(invocation.params)
  const call: Call = { namespace, method, caller, timeoutMillis, params }
  if (prompt === undefined) {
    return Effect.callback((resume) => {
      const giveUp = start(call, {
        progress: onProgress,
        emitted: onEmit,
        succeed: (value) => resume(Effect.succeed(value)),
        fail: (error) => resume(Effect.fail(error))
      })
      return Effect.sync(giveUp)
    })
  }
  return Effect.scoped(
    Effect.gen(function* () {
      const fork = yield* FiberSet.makeRuntime<never, void, never>()
      const ask = (question: Question, { answer, refuse }: Asking): void =>
        void fork(
          Effect.map(Effect.exit(prompt(question)), (exit) =>
            Exit.isSuccess(exit) ? answer(exit.value) : refuse(refusalOf(exit.cause))
          )
        )
      return yield* Effect.callback<unknown, MethodError>((resume) => {
        const giveUp = start(call, {
          progress: onProgress,
          emitted: onEmit,
          ask,
          succeed: (value) => resume(Effect.succeed(value)),
          fail: (error) => resume(Effect.fail(error))
        })
        return Effect.sync(giveUp)
      })
    })
  )
}

const refusalOf = (cause: Cause.Cause<Error>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => "The question was not answered.",
    onSome: ({ message }) => message
  })
