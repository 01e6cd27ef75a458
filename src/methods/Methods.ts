import { Context, type Effect, type Option } from "effect"
import type { MethodError } from "../protocol/methodErrors.ts"
import type { MethodName } from "../protocol/methodNames.ts"
import type { MethodInfo, Progress, PromptRefused, Question } from "../protocol/methods.ts"
import type { Namespace } from "../protocol/namespaces.ts"

/** A call of a method. */
export interface Invocation {
  readonly namespace: Namespace
  readonly method: MethodName
  /** JSON. Absent or undefined: `{}`. */
  readonly params?: unknown
  /** On whose behalf. A `job` or `webhook` that names no time limit has that of `methods.unattendedMillis`. */
  readonly caller: { readonly kind: "person" | "job" | "webhook" | "photon"; readonly id?: string }
  /** Default: the method's own, if it has one. */
  readonly timeoutMillis?: number | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** What the method emits without naming a channel: JSON, for the caller. */
  readonly onEmit?: ((emitted: unknown) => void) | undefined
  /** Asks the caller. Absent: there is nobody to ask, and the method's `prompt()` rejects. */
  readonly prompt?: ((question: Question) => Effect.Effect<unknown, PromptRefused>) | undefined
}

/** A user's work: functions of modules, each module in a process of its own, and commands of the configuration. */
export class Methods extends Context.Service<
  Methods,
  {
    /**
     * Calls a method. Succeeds with its result, JSON; undefined when it returned nothing. Interrupting it aborts the
     * method (its signal), and ends its process if it does not listen.
     */
    invoke(invocation: Invocation): Effect.Effect<unknown, MethodError>
    /** What is known of a method, if it is declared. */
    find(namespace: Namespace, method: MethodName): Effect.Effect<Option.Option<MethodInfo>>
    /** The methods of a namespace, or with `all` of every one; by name. */
    list(which: {
      readonly namespace?: Namespace | undefined
      readonly all?: boolean | undefined
    }): Effect.Effect<ReadonlyArray<MethodInfo>>
  }
>()("hob/methods/Methods") {}
