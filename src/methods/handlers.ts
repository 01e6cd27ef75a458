import { Cause, Deferred, Effect, Queue, Stream } from "effect"
import type { MethodError } from "../protocol/methodErrors.ts"
import { type CallItem, type CallMethod, MethodsRpcs, PromptRefused, UnknownPrompt } from "../protocol/methods.ts"
import { defaultNamespace } from "../protocol/namespaces.ts"
import { Methods } from "./Methods.ts"

/** What a caller may be behind before items are left out; results never are. */
const ITEMS = 1024

/** A question that waits for its answer. */
interface Asked {
  readonly client: number
  readonly answer: Deferred.Deferred<unknown, PromptRefused>
}

/** Answers `methods.*`. */
export const layer = MethodsRpcs.toLayer(
  Effect.gen(function* () {
    const methods = yield* Methods
    /** By the id that the caller was told. */
    const asked = new Map<string, Asked>()
    let prompts = 0

    const call = (
      { method, namespace = defaultNamespace, params, timeoutMillis }: typeof CallMethod.payloadSchema.Type,
      client: number
    ): Stream.Stream<CallItem, MethodError> =>
      Stream.unwrap(
        Effect.gen(function* () {
          const items = yield* Queue.dropping<CallItem, MethodError | Cause.Done>(ITEMS)
          let count = 0
          const tell = (item: CallItem): void => {
            if (!Queue.offerUnsafe(items, item)) count++
          }
          const prompt = (question: Extract<CallItem, { type: "prompt" }>["question"]) =>
            Effect.suspend(() => {
              const id = String(++prompts)
              const answer = Deferred.makeUnsafe<unknown, PromptRefused>()
              asked.set(id, { client, answer })
              // A question that its caller can't hear is not waited for.
              if (!Queue.offerUnsafe(items, { type: "prompt", prompt: id, question }))
                Deferred.doneUnsafe(answer, Effect.fail(new PromptRefused({ reason: "The caller reads too slowly." })))
              return Effect.ensuring(
                Deferred.await(answer),
                Effect.sync(() => void asked.delete(id))
              )
            })
          let last: ReadonlyArray<CallItem> = []
          yield* methods
            .invoke({
              namespace,
              method,
              params,
              caller: { kind: "person" },
              timeoutMillis,
              onProgress: (progress) => tell({ type: "progress", ...progress }),
              onEmit: (value) => tell({ type: "emitted", value: value as never }),
              prompt
            })
            .pipe(
              Effect.matchCauseEffect({
                onSuccess: (value) =>
                  Effect.suspend(() => {
                    const result: CallItem =
                      value === undefined ? { type: "result" } : { type: "result", value: value as never }
                    last = count === 0 ? [result] : [{ type: "dropped", count }, result]
                    return Queue.end(items)
                  }),
                onFailure: (cause) => Queue.failCause(items, cause)
              }),
              Effect.forkScoped({ startImmediately: true })
            )
          return Stream.concat(
            Stream.fromQueue(items),
            Stream.suspend(() => Stream.fromIterable(last))
          )
        })
      )

    return MethodsRpcs.of({
      "methods.add": ({ file, namespace = defaultNamespace }) => methods.add(namespace, file),
      "methods.list": (which) => Effect.all({ modules: methods.modules(which), methods: methods.list(which) }),
      "methods.call": (request, { client }) => call(request, client.id),
      "methods.answer": ({ prompt, reason, value }, { client }) =>
        Effect.suspend(() => {
          const question = asked.get(prompt)
          if (question === undefined || question.client !== client.id) return Effect.fail(new UnknownPrompt({ prompt }))
          asked.delete(prompt)
          const answer =
            value === undefined
              ? Effect.fail(new PromptRefused({ reason: reason ?? "The question was not answered." }))
              : Effect.succeed(value)
          return Effect.as(Deferred.complete(question.answer, answer), { answered: true })
        }),
      "methods.reload": ({ file, namespace = defaultNamespace }) =>
        Effect.map(methods.reload(namespace, file), (modules) => ({ modules })),
      "methods.remove": ({ file, namespace = defaultNamespace }) =>
        Effect.map(methods.remove(namespace, file), (module) => ({ module }))
    })
  })
)
