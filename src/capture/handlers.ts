import { Cause, Effect, Exit, Layer, Option } from "effect"
import type { Rpc } from "effect/rpc"
import { DirectMethods } from "../actors/DirectMethods.ts"
import { AddMessage, type CaptureAdded, CaptureRpcs } from "../protocol/capture.ts"
import { Captures } from "./Captures.ts"

/** Answers `capture.*`. */
export const layer = CaptureRpcs.toLayer(
  Effect.gen(function* () {
    const captures = yield* Captures
    return CaptureRpcs.of({
      "capture.create": (request) => captures.create(request),
      "capture.addMessage": ({ capture, ...message }) =>
        Effect.callback<CaptureAdded, Rpc.Error<typeof AddMessage>>((resume) =>
          captures.addMessage(capture, message, resume)
        ),
      "capture.addCodeChange": (request) => captures.addCodeChange(request),
      "capture.list": (which) => Effect.map(captures.list(which), (all) => ({ captures: all })),
      "capture.show": (request) => captures.show(request),
      "capture.hook": (call) => captures.hook(call),
      "capture.save": (request) => captures.save(request),
      "capture.search": (request) => captures.search(request),
      "capture.saves": (which) => Effect.map(captures.saves(which), (saves) => ({ saves })),
      "capture.rewrite": (request) => Effect.map(captures.rewrite(request), (moved) => ({ moved })),
      "capture.discard": ({ capture }) => captures.discard(capture),
      "capture.config": () => captures.config
    })
  })
)

/** The same without a fiber, for doors: agents and their hooks wait for it. */
export const layerDirect = Layer.effectDiscard(
  Effect.gen(function* () {
    const direct = yield* DirectMethods
    const captures = yield* Captures
    yield* direct.answer(AddMessage, ({ capture, ...message }, call) =>
      captures.addMessage(capture, message, (exit) => {
        if (Exit.isSuccess(exit)) return call.succeed(exit.value)
        const error = Cause.findErrorOption(exit.cause)
        if (Option.isSome(error)) call.fail(error.value)
        else throw Cause.squash(exit.cause)
      })
    )
  })
)
