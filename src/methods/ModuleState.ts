import { Deferred, Latch } from "effect"
import type { ModuleBroken } from "../protocol/methodErrors.ts"
import type { MethodDeclaration, ModuleInfo } from "../protocol/methods.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import type { Files } from "./FileWatch.ts"
import type { Sink, Worker, WorkerCall } from "./Worker.ts"

/** What of a module lies in the store. */
export interface Remembered {
  readonly namespace: Namespace
  readonly file: string
  readonly addedAt: string
  readonly kind: "class" | "functions"
  readonly methods: ReadonlyArray<MethodDeclaration>
  readonly files: Files
}

/** A call on its way, from when it is asked for until it has ended. */
export interface Handle {
  readonly call: WorkerCall
  readonly sink: Sink
  /** Where it runs, once it does. */
  at: { readonly worker: Worker; readonly id: number } | undefined
}

/**
 * A module as it is now. Workers and callers change it from callbacks; the actor of {@link file://./Module.ts} is woken
 * and does what is to be done. Outlives the actor's runs.
 */
export class ModuleState {
  remembered: Remembered
  /** Takes new calls. */
  current: Worker | undefined
  /** Is being loaded. */
  loading: Worker | undefined
  /** Older ones, until they have ended. */
  readonly retired = new Set<Worker>()
  /** Calls that wait for a worker. */
  readonly waiting = new Set<Handle>()
  /** Whoever wants the module loaded anew, and hears how that went. */
  loads: Array<Deferred.Deferred<void, ModuleBroken>> = []
  /** How the current worker has ended by itself, until the actor has taken notice. */
  crash: string | undefined
  /** The actor pauses after a failure. */
  isPausing = false
  /** The last attempt to load it failed, and no older code is in charge. */
  isBroken = false
  restarts = 0
  problem: ModuleInfo["problem"] = null
  files: Files
  /** How often in a row it could not be loaded while its files were being written. */
  unsettled = 0
  /** There is something for the actor. */
  readonly wake = Latch.makeUnsafe()

  constructor(remembered: Remembered) {
    this.remembered = remembered
    this.files = remembered.files
  }

  get workers(): ReadonlyArray<Worker> {
    return [...this.retired, ...[this.current, this.loading].filter((worker) => worker !== undefined)]
  }

  /** Calls in hand, those that wait among them. */
  get inFlight(): number {
    let total = this.waiting.size + (this.current?.inFlight ?? 0) + (this.loading?.inFlight ?? 0)
    for (const worker of this.retired) total += worker.inFlight
    return total
  }

  get info(): ModuleInfo {
    const { addedAt, file, kind, namespace } = this.remembered
    const { current, inFlight, loading, problem, restarts } = this
    const pid = (current ?? loading)?.pid ?? null
    return { namespace, file, kind, state: this.#state, pid, restarts, inFlight, problem, addedAt }
  }

  get #state(): ModuleInfo["state"] {
    if (this.current !== undefined) return "up"
    if (this.loading !== undefined) return "starting"
    if (this.isBroken) return "broken"
    return this.isPausing ? "restarting" : "idle"
  }
}
