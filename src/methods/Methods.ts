import { Clock, Context, Effect, Exit, Layer, Option, Scope, Semaphore, Stream } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { sessionEnvironment } from "../config/environment.ts"
import type { Paths } from "../config/paths.ts"
import type { Settings } from "../config/settings.ts"
import { currentUser } from "../config/user.ts"
import type { MethodError, ModuleBroken } from "../protocol/methodErrors.ts"
import type { MethodName } from "../protocol/methodNames.ts"
import {
  type MethodInfo,
  MethodNameTaken,
  type ModuleInfo,
  type Progress,
  type PromptRefused,
  type Question,
  TooManyModules,
  UnknownModule
} from "../protocol/methods.ts"
import { defaultNamespace, type Namespace } from "../protocol/namespaces.ts"
import type { StorageError } from "../protocol/storage.ts"
import { Database } from "../storage/Database.ts"
import * as Commands from "./Commands.ts"
import { haveChanged } from "./FileWatch.ts"
import * as MethodCalls from "./MethodCalls.ts"
import { make as makeModule, type Module } from "./Module.ts"
import type { Remembered } from "./ModuleState.ts"
import { makeProcesses } from "./processes.ts"
import { Registry } from "./Registry.ts"
import * as rows from "./rows.ts"

/** Processes that load at once: each takes a processor for a moment. */
const LOADING = 2

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

interface Which {
  readonly namespace?: Namespace | undefined
  readonly all?: boolean | undefined
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
    list(which: Which): Effect.Effect<ReadonlyArray<MethodInfo>>
    /** The modules of a namespace, or with `all` of every one; in the order of adding. */
    modules(which: Which): Effect.Effect<ReadonlyArray<ModuleInfo>>
    /** Loads a module and remembers it; one that is there is loaded anew. */
    add(
      namespace: Namespace,
      file: string
    ): Effect.Effect<
      { readonly module: ModuleInfo; readonly methods: ReadonlyArray<MethodInfo> },
      ModuleBroken | MethodNameTaken | TooManyModules | StorageError
    >
    /** Loads one module anew, or all of the namespace. How each went is in what it gives. */
    reload(namespace: Namespace, file: string | undefined): Effect.Effect<ReadonlyArray<ModuleInfo>, UnknownModule>
    /** Forgets a module; its calls in flight finish. */
    remove(namespace: Namespace, file: string): Effect.Effect<ModuleInfo, UnknownModule | StorageError>
    /** Calls in hand, of all methods. */
    readonly inFlight: Effect.Effect<number>
  }
>()("hob/methods/Methods") {}

/** A module that was added, and what ends it. */
interface Added {
  readonly module: Module
  readonly scope: Scope.Closeable
}

type Owner = Module | "configuration"

/** The methods of this store and configuration. */
export const layer = (paths: Paths) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const database = yield* Database
      const serviceScope = yield* Scope.Scope
      const loading = yield* Semaphore.make(LOADING)
      const registry = new Registry<Owner>()
      const modules = new Map<string, Added>()
      let settings: Settings = yield* config.get
      const environment = () => environmentOf(settings, paths)
      const processes = yield* makeProcesses(database)
      const commands = yield* Commands.make({ settings: () => settings.methods, environment })

      const infosOf = ({ file, methods, namespace }: Remembered): ReadonlyArray<MethodInfo> =>
        methods.map((declaration) => ({ namespace, ...declaration, kind: "module", file }))

      /** What it declares is called under its names from now on; names that another one has stay with that one. */
      const declare = (module: Module): Effect.Effect<void> => {
        const { file, namespace } = module.state.remembered
        const taken = registry.declare(module, infosOf(module.state.remembered))
        return Effect.forEach(
          taken,
          ({ info, owner }) =>
            Effect.logWarning(`"${info.method}" is a method of ${ownerName(owner)} already, and is not called here`),
          { discard: true }
        ).pipe(Effect.annotateLogs({ module: file, namespace }))
      }

      const declareCommands = Effect.suspend(() => {
        const taken = registry.declare("configuration", commands.infos(settings.methods))
        return Effect.forEach(
          taken,
          ({ info, owner }) =>
            Effect.logWarning(`methods.commands: "${info.method}" is a method of ${ownerName(owner)} already`),
          { discard: true }
        )
      })

      const start = (remembered: Remembered, isKept: () => boolean) =>
        Effect.gen(function* () {
          const scope = yield* Scope.fork(serviceScope)
          const module: Module = yield* makeModule({
            remembered,
            socket: paths.socket,
            settings: () => settings.methods,
            environment,
            loading,
            processes,
            learned: (now) =>
              Effect.suspend(() => {
                if (!isKept()) return Effect.void
                return Effect.andThen(
                  declare(module),
                  Effect.catch(
                    database.write((sql) => rows.save(sql, now)),
                    (error) => Effect.logWarning(`what the module is could not be written down: ${error.message}`)
                  )
                )
              })
          }).pipe(Scope.provide(scope), Effect.provideService(Concerns, concerns))
          return { module, scope }
        })

      yield* processes.endLeftOver
      for (const remembered of yield* Effect.orDie(database.read(rows.load))) {
        const key = keyOf(remembered.namespace, remembered.file)
        const added = yield* start(remembered, () => modules.has(key))
        modules.set(key, added)
        yield* declare(added.module)
        // Its file was changed while no daemon ran.
        if (haveChanged(remembered.files)) yield* Effect.forkIn(Effect.ignore(added.module.load), added.scope)
      }
      yield* declareCommands

      yield* concerns.supervise("methods", (up) =>
        Effect.andThen(
          up,
          Effect.andThen(
            Stream.runForEach(config.changes, (next) =>
              Effect.suspend(() => {
                settings = next
                return declareCommands
              })
            ),
            Effect.never
          )
        )
      )

      const calls = yield* MethodCalls.make({
        find: (namespace, method) => registry.find(namespace, method),
        commands,
        settings: () => settings.methods
      })

      const chosen = ({ all = false, namespace = defaultNamespace }: Which): ReadonlyArray<Added> =>
        Array.from(modules.values()).filter(({ module }) => all || module.state.remembered.namespace === namespace)

      const described = ({ module }: Added) => ({
        module: module.state.info,
        methods: infosOf(module.state.remembered).filter(
          ({ method, namespace }) => registry.find(namespace, method)?.owner === module
        )
      })

      /** Loaded first, remembered then: what can't be loaded leaves nothing behind. */
      const addNew = (namespace: Namespace, file: string) =>
        Effect.gen(function* () {
          const limit = settings.methods.maxModuleCount
          if (modules.size >= limit) return yield* new TooManyModules({ limit })
          const key = keyOf(namespace, file)
          const addedAt = new Date(yield* Clock.currentTimeMillis).toISOString()
          const blank: Remembered = {
            namespace,
            file,
            addedAt,
            kind: "functions",
            methods: [],
            files: new Map()
          }
          const added = yield* start(blank, () => modules.has(key))
          return yield* Effect.gen(function* () {
            yield* added.module.load
            const { remembered } = added.module.state
            const other = remembered.methods
              .map(({ method }) => registry.find(namespace, method))
              .find((entry) => entry !== undefined)
            if (other !== undefined) {
              const owner = ownerName(other.owner)
              return yield* new MethodNameTaken({ namespace, method: other.info.method, owner })
            }
            yield* database.write((sql) => rows.save(sql, remembered))
            modules.set(key, added)
            yield* declare(added.module)
            return described(added)
          }).pipe(Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(added.scope, Exit.void))))
        })

      const adding = yield* Semaphore.make(1)
      const find = (namespace: Namespace, file: string) => {
        const added = modules.get(keyOf(namespace, file))
        return added === undefined ? Effect.fail(new UnknownModule({ namespace, file })) : Effect.succeed(added)
      }

      const methods = Methods.of({
        invoke: (invocation) => Effect.suspend(() => MethodCalls.invokeWith(calls, invocation)),
        find: (namespace, method) => Effect.sync(() => Option.fromUndefinedOr(registry.find(namespace, method)?.info)),
        list: ({ all = false, namespace = defaultNamespace }) =>
          Effect.sync(() => registry.list(all ? "all" : { namespace })),
        modules: (which) => Effect.sync(() => chosen(which).map(({ module }) => module.state.info)),
        add: Effect.fn("Methods.add")((namespace, file) =>
          adding.withPermit(
            Effect.suspend(() => {
              const known = modules.get(keyOf(namespace, file))
              return known === undefined
                ? addNew(namespace, file)
                : Effect.map(known.module.load, () => described(known))
            })
          )
        ),
        reload: Effect.fn("Methods.reload")(function* (namespace, file) {
          const which = file === undefined ? chosen({ namespace }) : [yield* find(namespace, file)]
          yield* Effect.forEach(which, ({ module }) => Effect.ignore(module.load), {
            concurrency: "unbounded",
            discard: true
          })
          return which.map(({ module }) => module.state.info)
        }),
        remove: Effect.fn("Methods.remove")(function* (namespace, file) {
          const added = yield* find(namespace, file)
          yield* database.write((sql) => rows.remove(sql, { namespace, file }))
          modules.delete(keyOf(namespace, file))
          registry.forget(added.module)
          const info = added.module.state.info
          // A name that it had may be another one's now.
          for (const { module } of modules.values()) yield* declare(module)
          yield* declareCommands
          const ending = Effect.andThen(added.module.drain, Scope.close(added.scope, Exit.void))
          yield* Effect.forkIn(ending, serviceScope)
          return info
        }),
        inFlight: Effect.sync(() => {
          let total = commands.inFlight()
          for (const { module } of modules.values()) total += module.state.inFlight
          return total
        })
      })
      return Context.make(Methods, methods).pipe(Context.add(MethodCalls.MethodCalls, calls))
    })
  )

const keyOf = (namespace: Namespace, file: string): string => `${namespace}/${file}`

const ownerName = (owner: Owner): string =>
  owner === "configuration" ? "methods.commands of the configuration" : owner.state.remembered.file

/** As of a session that is not started from somebody's terminal. */
const environmentOf = ({ sessions }: Settings, paths: Paths): Readonly<Record<string, string>> =>
  sessionEnvironment({
    caller: null,
    daemon: process.env,
    deny: sessions.environmentDeny,
    allow: sessions.environmentAllow,
    user: currentUser(),
    kind: "pipe",
    session: { ...paths.environment, HOB_SOCKET: paths.socket }
  })
