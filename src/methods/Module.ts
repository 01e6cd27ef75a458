import { Clock, Deferred, Effect, Latch, Result, Scope, type Semaphore } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { clocks } from "../actors/monotonic.ts"
import type { Settings } from "../config/settings.ts"
import { ModuleBroken } from "../protocol/methodErrors.ts"
import { type Files, filesNow, FileWatch, haveChanged } from "./FileWatch.ts"
import { type Handle, ModuleState, type Remembered } from "./ModuleState.ts"
import { makeOutput } from "./output.ts"
import { overseeMemory } from "./overseeMemory.ts"
import { type Sink, Worker, type WorkerCall } from "./Worker.ts"

/** What a process has said may come a moment after its end. */
const LAST_WORDS = "200 millis"
/** A process that ends may take a while for it: one that is large, or writes its core down. */
const LAST_GASP = "2 seconds"
/** An editor writes a file in several steps, and several files in a row. */
const SETTLE = "100 millis"
/** Loads that fail one after another while the files go on changing. */
const MAX_UNSETTLED = 10
/** Older code with calls in hand; the oldest is ended when there is more of it. */
const MAX_RETIRED = 8

export interface ModuleOptions {
  readonly remembered: Remembered
  /** The daemon's. */
  readonly socket: string
  readonly settings: () => Settings["methods"]
  readonly environment: () => Readonly<Record<string, string>>
  /** Held while a process loads: of all modules, a few at once. */
  readonly loading: Semaphore.Semaphore
  /** It has been loaded: what is to be remembered of it from now on. */
  readonly learned: (remembered: Remembered) => Effect.Effect<void>
  /** A process of it is there, or is not any more. */
  readonly processes: (pid: number, isThere: boolean) => void
}

/** A module, its processes, and whoever calls it. */
export interface Module {
  readonly state: ModuleState
  /** Hands in a call; it waits where there is no process. */
  readonly call: (call: WorkerCall, sink: Sink) => Handle
  /** Nobody waits for the call any more. The method has some time to listen; then its process is ended, or replaced. */
  readonly cancel: (handle: Handle, reason: string) => Effect.Effect<void>
  /** Loads it anew. When it can't be loaded, the old code stays in charge. */
  readonly load: Effect.Effect<void, ModuleBroken>
  /** Waits until its calls have ended, and its processes; it takes none any more. */
  readonly drain: Effect.Effect<void>
}

/** A module, with the actor that starts its processes, for as long as the scope is open. */
export const make = (options: ModuleOptions): Effect.Effect<Module, never, Concerns | Scope.Scope> =>
  Effect.gen(function* () {
    const concerns = yield* Concerns
    const scope = yield* Scope.Scope
    const { monotonic } = yield* clocks
    const { environment, remembered, settings, socket } = options
    const { file, namespace } = remembered
    const annotations = { module: file, namespace }
    const state = new ModuleState(remembered)
    const output = yield* makeOutput(annotations)
    const touched = yield* Latch.make()
    let idleSince = monotonic()

    yield* Effect.addFinalizer(() =>
      Effect.forEach(state.workers, (worker) => endGently(worker, "hob is stopping"), {
        concurrency: "unbounded",
        discard: true
      })
    )

    const watch = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const failed = (reason: string) => output(`its files can't be watched: ${reason}. Use "hob methods reload".\n`)
        return new FileWatch(() => void touched.openUnsafe(), failed)
      }),
      (watch) => Effect.sync(() => watch.close())
    )

    const learnFiles = (files: Files): void => {
      state.files = files
      watch.add(files.keys())
    }
    learnFiles(state.files)

    const start = Effect.gen(function* () {
      const { memoryBytes, resultBytes } = settings()
      const worker = new Worker({
        file,
        namespace,
        socket,
        memoryBytes,
        resultBytes,
        env: environment(),
        onFiles: (from, files) => {
          if (from === state.loading || from === state.current) learnFiles(new Map([...state.files, ...files]))
        },
        onOutput: output
      })
      state.loading = worker
      if (worker.pid !== null) options.processes(worker.pid, true)
      yield* Effect.forkIn(gone(worker), scope, { startImmediately: true })
      yield* Effect.forkIn(overseeMemory(worker, settings), scope)
      yield* Effect.forkIn(endMute(worker), scope)
      return worker
    })

    /** What becomes of a process that has ended, whichever it was. */
    const gone = (worker: Worker) =>
      Effect.gen(function* () {
        yield* worker.exited.await
        yield* Effect.raceFirst(worker.closed.await, Effect.sleep(LAST_WORDS))
        if (worker.pid !== null) options.processes(worker.pid, false)
        Deferred.doneUnsafe(worker.loaded, Effect.fail(worker.ending))
        if (state.current === worker) {
          state.current = undefined
          state.crash = worker.ending
        }
        state.retired.delete(worker)
        worker.settle()
        state.wake.openUnsafe()
      })

    /** One that has closed its line and goes on can't be told anything, and answers nothing. */
    const endMute = (worker: Worker) =>
      Effect.gen(function* () {
        yield* worker.mute.await
        yield* Effect.raceFirst(worker.exited.await, Effect.sleep(LAST_GASP))
        worker.kill("it closed its line to hob")
      })

    const endGently = (worker: Worker, reason: string) =>
      Effect.gen(function* () {
        worker.end(reason)
        yield* Effect.raceFirst(worker.exited.await, Effect.sleep(settings().graceMillis))
        worker.kill(reason)
        yield* worker.exited.await
        worker.settle()
      })

    /** It gets no more calls, and ends once nobody waits for one that it has. */
    const retire = (worker: Worker) =>
      Effect.gen(function* () {
        if (state.current === worker) state.current = undefined
        state.retired.add(worker)
        worker.retire()
        const ending = Effect.andThen(worker.quiet.await, endGently(worker, "it was replaced"))
        yield* Effect.forkIn(ending, scope, { startImmediately: true })
        if (state.retired.size <= MAX_RETIRED) return
        const [oldest] = state.retired
        oldest!.kill("the module was loaded anew too often while it ran")
      })

    /** Loads it in a new process, which takes the place of the one that there is. */
    const loadOnce = Effect.gen(function* () {
      const asked = state.loads
      state.loads = []
      const { loadMillis } = settings()
      learnFiles(filesNow(new Set([file, ...state.files.keys()])))
      const worker = yield* start
      const outcome = yield* Deferred.await(worker.loaded).pipe(
        Effect.timeoutOrElse({ duration: loadMillis, orElse: () => Effect.fail(tooSlow(loadMillis)) }),
        Effect.result,
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            worker.kill("hob gave up loading it")
            // The actor's next run answers them.
            state.loads = [...asked, ...state.loads]
          })
        ),
        Effect.ensuring(Effect.sync(() => void (state.loading = undefined)))
      )
      if (Result.isFailure(outcome)) {
        worker.kill(outcome.failure)
        yield* Effect.sleep(SETTLE)
        // It was read while it was being written: nobody needs to know.
        if (haveChanged(state.files) && state.unsettled++ < MAX_UNSETTLED) {
          state.loads = [...asked, ...state.loads]
          return
        }
        state.unsettled = 0
        return yield* broken(outcome.failure, asked)
      }
      state.unsettled = 0
      if (haveChanged(state.files)) touched.openUnsafe()
      const before = state.current
      state.current = worker
      state.isBroken = false
      state.problem = null
      idleSince = monotonic()
      state.remembered = {
        ...state.remembered,
        ...outcome.success,
        files: state.files
      }
      yield* options.learned(state.remembered)
      if (before !== undefined) {
        yield* Effect.logInfo(`loaded anew; ${before.live} calls go on with the old code`)
        yield* retire(before)
      }
      for (const load of asked) yield* Deferred.succeed(load, undefined)
      for (const handle of state.waiting) begin(worker, handle)
      state.waiting.clear()
    })

    const broken = (reason: string, asked: ReadonlyArray<Deferred.Deferred<void, ModuleBroken>>) =>
      Effect.gen(function* () {
        const at = new Date(yield* Clock.currentTimeMillis).toISOString()
        state.problem = { at, reason }
        const error = new ModuleBroken({ file, problem: reason })
        for (const load of asked) yield* Deferred.fail(load, error)
        if (state.current !== undefined)
          return yield* Effect.logWarning(`it can't be loaded anew; the old code stays in charge: ${reason}`)
        state.isBroken = true
        for (const { sink } of state.waiting) sink.fail(error)
        state.waiting.clear()
        // Whoever asked for it has heard; nobody else is to try again at once.
        if (asked.length === 0) return yield* Effect.fail(error)
      })

    const begin = (worker: Worker, handle: Handle): void => {
      handle.at = { worker, id: worker.call(handle.call, handle.sink) }
    }

    /** Until there is something to do; ends a process that has had nothing to do for long. */
    const rest = Effect.gen(function* () {
      const { idleMillis } = settings()
      const { current } = state
      // The one instance of a class keeps its state.
      if (current === undefined || idleMillis === 0 || state.remembered.kind === "class") return yield* state.wake.await
      if (current.inFlight > 0) idleSince = monotonic()
      const left = idleMillis - (monotonic() - idleSince)
      if (left <= 0) return yield* retire(current)
      yield* Effect.raceFirst(state.wake.await, Effect.sleep(left))
    })

    const actor = (up: Effect.Effect<void>) =>
      Effect.gen(function* () {
        state.isPausing = false
        yield* up
        for (;;) {
          yield* state.wake.close
          if (state.crash !== undefined) {
            const reason = state.crash
            state.crash = undefined
            state.restarts++
            state.problem = { at: new Date(yield* Clock.currentTimeMillis).toISOString(), reason }
            return yield* Effect.fail(reason)
          }
          const isNeeded = state.waiting.size > 0 && state.current === undefined
          if (state.loads.length > 0 || isNeeded) yield* options.loading.withPermit(loadOnce)
          else yield* rest
        }
      }).pipe(Effect.onError(() => Effect.sync(() => void (state.isPausing = true))))

    const concern = `module ${file} in ${namespace}`
    yield* concerns.supervise(concern, actor)

    /** Waits until the files are at rest, and loads what is another one by then. */
    yield* Effect.gen(function* () {
      for (;;) {
        yield* touched.await
        yield* Effect.sleep(SETTLE)
        yield* touched.close
        // Without the code that it was of, a broken module may be mended by any file.
        if (haveChanged(state.files)) yield* Effect.ignore(load)
      }
    }).pipe(Effect.forkScoped)

    const load = Effect.gen(function* () {
      const loaded = yield* Deferred.make<void, ModuleBroken>()
      state.loads.push(loaded)
      state.wake.openUnsafe()
      // It may be what mends it.
      if (state.isPausing) yield* concerns.hurry(concern)
      yield* Deferred.await(loaded)
    })

    /** A loop that does not turn all the while can't be told anything: only the end of its process ends it. */
    const giveUp = (handle: Handle, reason: string) =>
      Effect.gen(function* () {
        const { id, worker } = handle.at!
        worker.ping()
        yield* Effect.sleep(settings().graceMillis)
        if (!worker.isAbandoned(id)) return
        if (!worker.turns)
          return worker.kill(`"${handle.call.method}" did not stop (${reason}), and held up everything else in it`)
        if (state.retired.has(worker)) return
        yield* Effect.logWarning(`"${handle.call.method}" does not stop (${reason}): its process is replaced`)
        yield* retire(worker)
      }).pipe(Effect.annotateLogs(annotations))

    const module: Module = {
      state,
      load,
      call: (call, sink) => {
        const handle: Handle = { call, sink, at: undefined }
        if (state.current?.isEnding === false) begin(state.current, handle)
        else if (state.isBroken && state.isPausing) sink.fail(brokenError(state, file))
        else {
          state.waiting.add(handle)
          state.wake.openUnsafe()
        }
        return handle
      },
      cancel: (handle, reason) =>
        Effect.suspend(() => {
          if (state.waiting.delete(handle) || handle.at === undefined) return Effect.void
          if (!handle.at.worker.abandon(handle.at.id, reason)) return Effect.void
          return Effect.asVoid(Effect.forkIn(giveUp(handle, reason), scope))
        }),
      drain: Effect.gen(function* () {
        for (const { sink } of state.waiting) sink.fail({ _tag: "Ended", reason: "the module was removed" })
        state.waiting.clear()
        if (state.current !== undefined) yield* retire(state.current)
        yield* Effect.forEach(state.workers, (worker) => worker.exited.await, { discard: true })
      })
    }
    return module
  })

const tooSlow = (loadMillis: number): string =>
  `it did not load within ${loadMillis} ms (methods.loadMillis): something at its top level, or in onInitialize, does not end`

const brokenError = ({ problem }: ModuleState, file: string): ModuleBroken =>
  new ModuleBroken({ file, problem: problem?.reason ?? "it could not be loaded" })
