import { Cause, Effect, Queue, Stream } from "effect"
import { DirectMethods } from "../actors/DirectMethods.ts"
import type { MethodError } from "../protocol/methodErrors.ts"
import { type CallItem, CallMethod, MethodsRpcs, UnknownPrompt } from "../protocol/methods.ts"
import { defaultNamespace } from "../protocol/namespaces.ts"
import { type Asking, type Caller, MethodCalls } from "./MethodCalls.ts"
import { Methods } from "./Methods.ts"

/** What a caller may be behind before items are left out; results never are. */
const ITEMS = 1024

type Request = typeof CallMethod.payloadSchema.Type
type Result = Extract<CallItem, { type: "result" }>

/** Where a call's items go: false when there is no room. */
interface Items {
  readonly offer: (item: CallItem) => boolean
  /** `text` is the JSON of the result's value, where that is known. */
  readonly end: (last: ReadonlyArray<CallItem>, text: string | undefined) => void
  readonly fail: (error: MethodError) => void
}

/** Answers `methods.*`: calls without a fiber where a door asks for that, and in the ordinary way. */
export const layer = MethodsRpcs.toLayer(
  Effect.gen(function* () {
    const methods = yield* Methods
    const calls = yield* MethodCalls
    const direct = yield* DirectMethods
    /** Questions that wait for an answer, by the id that their caller was told. */
    const asked = new Map<string, Asking & { readonly client: number }>()
    let prompts = 0

    /** Returns what gives the call up. */
    const call = (
      { method, namespace = defaultNamespace, timeoutMillis }: Request,
      params: string,
      client: number,
      items: Items
    ): (() => void) => {
      let dropped = 0
      let open: Set<string> | undefined
      const tell = (item: CallItem): void => {
        if (!items.offer(item)) dropped++
      }
      const forget = (): void => {
        for (const prompt of open ?? []) asked.delete(prompt)
      }
      const caller: Caller = {
        progress: (progress) => tell({ type: "progress", ...progress }),
        emitted: (value) => tell({ type: "emitted", value: value as never }),
        ask: (question, asking) => {
          const prompt = String(++prompts)
          // A question that its caller can't hear is not waited for.
          if (!items.offer({ type: "prompt", prompt, question })) return asking.refuse("The caller reads too slowly.")
          asked.set(prompt, { client, ...asking })
          open ??= new Set()
          open.add(prompt)
        },
        succeed: (value, text) => {
          forget()
          const result: Result = value === undefined ? { type: "result" } : { type: "result", value: value as never }
          items.end(dropped === 0 ? [result] : [{ type: "dropped", count: dropped }, result], text)
        },
        fail: (error) => {
          forget()
          items.fail(error)
        }
      }
      const giveUp = calls.start({ namespace, method, params, caller: { kind: "person" }, timeoutMillis }, caller)
      return () => {
        forget()
        giveUp()
      }
    }

    yield* direct.answer(CallMethod, (request, one) =>
      call(request, request.params === undefined ? "{}" : one.text("params"), one.clientId, {
        offer: (item) => {
          if (one.isBlocked()) return false
          one.push(JSON.stringify(item))
          return true
        },
        end: (last, text) => {
          for (const item of last) {
            const isKnown = item.type === "result" && text !== undefined
            one.push(isKnown ? `{"type":"result","value":${text}}` : JSON.stringify(item))
          }
          one.succeed(undefined)
        },
        fail: (error) => one.fail(error)
      })
    )

    const stream = (request: Request, client: number): Stream.Stream<CallItem, MethodError> =>
      Stream.unwrap(
        Effect.gen(function* () {
          const items = yield* Queue.dropping<CallItem, MethodError | Cause.Done>(ITEMS)
          let last: ReadonlyArray<CallItem> = []
          yield* Effect.acquireRelease(
            Effect.sync(() =>
              call(request, JSON.stringify(request.params ?? {}), client, {
                offer: (item) => Queue.offerUnsafe(items, item),
                end: (its) => {
                  last = its
                  Queue.endUnsafe(items)
                },
                fail: (error) => Queue.failCauseUnsafe(items, Cause.fail(error))
              })
            ),
            (giveUp) => Effect.sync(giveUp)
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
      "methods.call": (request, { client }) => stream(request, client.id),
      "methods.answer": ({ prompt, reason, value }, { client }) =>
        Effect.suspend(() => {
          const question = asked.get(prompt)
          if (question === undefined || question.client !== client.id) return Effect.fail(new UnknownPrompt({ prompt }))
          asked.delete(prompt)
          if (value === undefined) question.refuse(reason ?? "The question was not answered.")
          else question.answer(value)
          return Effect.succeed({ answered: true })
        }),
      "methods.reload": ({ file, namespace = defaultNamespace }) =>
        Effect.map(methods.reload(namespace, file), (modules) => ({ modules })),
      "methods.remove": ({ file, namespace = defaultNamespace }) =>
        Effect.map(methods.remove(namespace, file), (module) => ({ module }))
    })
  })
)
