import { Context, Effect, Exit, type Fiber, Scope } from "effect"
import { Rpc } from "effect/rpc"
import type { Method } from "./methods.ts"

/** Starts an effect at once, and gives it up when the door closes. */
export type Fork = <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>

/**
 * Runs the handler of an immediate method here and now. One that waits is stopped and its call fails: it would hold up
 * every other request of its connection.
 */
export const runImmediate = (
  fork: Fork,
  method: Method,
  payload: unknown,
  request: Parameters<Method["handler"]>[1]
): Exit.Exit<unknown, unknown> => {
  let effect: Effect.Effect<unknown, unknown>
  try {
    effect = Rpc.unwrap(method.handler(payload, request)) as Effect.Effect<unknown, unknown>
  } catch (defect) {
    return Exit.die(defect)
  }
  if (Exit.isExit(effect)) return effect
  const scope = Scope.makeUnsafe()
  const fiber = fork(
    Effect.provideContext(
      Effect.onExit(effect, (exit) => Scope.close(scope, exit)),
      Context.add(method.context, Scope.Scope, scope)
    )
  )
  const exit = fiber.pollUnsafe()
  if (exit !== undefined) return exit
  fiber.interruptUnsafe()
  return Exit.die(new Error(`the handler of ${method.tag} is declared immediate, and waits`))
}
