/**
 * Types for authors of methods:
 *
 * ```ts
 * import type { Context } from "hob/methods"
 *
 * export async function greet(params: { name: string }, hob: Context) {
 *   await hob.publish("greetings", params)
 *   return `Hello ${params.name}`
 * }
 * ```
 */
import type { PromiseClient } from "../client/HobClient.ts"
import type { Question } from "../protocol/methods.ts"

export type { Question }

/** What a method is asked with: a question, or its message alone for one that any text answers. */
export type Asked =
  | string
  | (Omit<Question, "type" | "options"> &
      Partial<Pick<Question, "type">> & {
        readonly options?: ReadonlyArray<string | { readonly value: string; readonly label: string }>
      })

/** hob's `sessions.*`: `sessions.run({ command: ["make"] })`. Streams are async iterables; data of terminals is base64. */
export type Sessions = {
  readonly [
    Method in keyof PromiseClient as Method extends `sessions.${infer Verb}` ? Verb : never
  ]: PromiseClient[Method]
}

/** A lock that is held. */
export interface HeldLock {
  /** The fencing token: greater than every one given before. */
  readonly token: number
  /** Aborted when the lock is lost, or the call is. */
  readonly signal: AbortSignal
}

/** What a method can do with the rest of hob: its second parameter, and, of a class, also its `this`. */
export interface Context {
  readonly namespace: string
  /** The method's name; empty outside of a call. */
  readonly method: string
  readonly caller: { readonly kind: string; readonly id?: string }
  /** Aborted when nobody waits for the call any more: its caller has left, its time is over, or hob stops. */
  readonly signal: AbortSignal
  /**
   * With a `channel`: publishes there `{ channel, event, data, timestamp, source }`, before the call's result is
   * answered. Without: says it to the caller. Never throws for what hob does with it; what can't be published is logged.
   */
  emit(emitted: unknown): void
  /** Publishes any JSON value to a channel of the namespace. Rejects with what `channels.publish` fails with. */
  publish(channel: string, message: unknown): Promise<{ readonly id: string; readonly receivers: number }>
  /**
   * Does `work` while holding a lock of the namespace, renewed as long as it takes and given back at its end. Waits as
   * long as it takes unless `waitMillis` says otherwise; rejects when the lock is not had in that time, or is lost.
   */
  lock<A>(
    name: string,
    work: (lock: HeldLock) => A | PromiseLike<A>,
    options?: { readonly waitMillis?: number; readonly ttlMillis?: number }
  ): Promise<A>
  /** Asks the caller. Rejects when there is nobody to ask, no answer is given, or the caller leaves. */
  prompt(question: Asked & { readonly type: "confirm" }): Promise<boolean>
  prompt(question: Asked): Promise<string>
  /** Says how far the method has got, in percent, and with what. */
  progress(percent: number | undefined, description?: string): void
  readonly sessions: Sessions
}

/** What a module may declare of a method; a schema is JSON Schema, an Effect Schema, or any Standard Schema. */
export interface Declaration {
  readonly description?: string
  /** Parameters are checked by it before the method runs, and handed over as it decodes them. */
  readonly params?: unknown
  /** Results are checked by it, and answered as it decodes them. */
  readonly result?: unknown
  /** How long it may take, in milliseconds, where its caller does not say. */
  readonly timeoutMillis?: number
}

/** `export const methods: Declarations`, or `static methods: Declarations` of a class. */
export type Declarations = { readonly [method: string]: Declaration }
