import { Clock, Context, Effect, Exit, FiberSet, Layer, Result, Scope, Semaphore, Stream } from "effect"
import type { Rpc } from "effect/rpc"
import { Announcer } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import {
  type AddCodeChange,
  type CaptureAdded,
  type CaptureConfig,
  CaptureDisabled,
  type CreateCapture,
  type ListCaptures,
  PathOutsideRepository,
  type SearchCaptures,
  type ShowCapture
} from "../protocol/capture.ts"
import type { Capture, TooManyCaptures } from "../protocol/captureEntries.ts"
import type { HookCall, SpoolRecord } from "../protocol/captureHooks.ts"
import type { ListCaptureSaves, MoveCaptureSaves, SaveCapture } from "../protocol/captureSaves.ts"
import { type StorageError, StorageFailed } from "../protocol/storage.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Database } from "../storage/Database.ts"
import { Announcements } from "./announcements.ts"
import { below, makeExcludes } from "../masking/changedPath.ts"
import { unifiedDiff } from "./diff.ts"
import { findWorkTree } from "../config/workTree.ts"
import { makeHooks, type Told } from "./hooks/Hooks.ts"
import { type AddMessageOf, Ledger, type Lookup, type Origin, type Refused } from "./Ledger.ts"
import { Masks } from "./Masks.ts"
import * as retention from "./retention.ts"
import { Spool } from "./Spool.ts"
import * as rows from "./rows.ts"
import { makeSaver, type Saver } from "./save/Saver.ts"
import { makeSearch } from "./search/searchEntries.ts"
import { Sealing } from "./Sealing.ts"

/** How often a hook that comes, or somebody who looks, is taken for a sign to look into the spool. */
const LOOK_MILLIS = 5000
/** What one answer of `capture.show` may hold: the rest is asked for again. */
const SHOW_BYTES = 1024 * 1024

/** What is captured. Messages and changes are answered once they are in the store, without their secrets. */
export class Captures extends Context.Service<
  Captures,
  {
    create(
      request: Rpc.Payload<typeof CreateCapture>
    ): Effect.Effect<Capture, CaptureDisabled | TooManyCaptures | StorageError>
    /** Callback-first: a message takes no fiber on its way. `answer` is called once. */
    readonly addMessage: AddMessageOf
    addCodeChange(
      request: Rpc.Payload<typeof AddCodeChange> & Origin
    ): Effect.Effect<CaptureAdded, Refused | PathOutsideRepository>
    /** Newest first. */
    list(which?: Rpc.Payload<typeof ListCaptures>): Effect.Effect<ReadonlyArray<Capture>, StorageError>
    show(
      request: Rpc.Payload<typeof ShowCapture>
    ): Effect.Effect<Rpc.Success<typeof ShowCapture>, Lookup | StorageError>
    hook(call: HookCall): Effect.Effect<Told, TooManyCaptures | StorageError>
    save(request: Rpc.Payload<typeof SaveCapture>): ReturnType<Saver["save"]>
    /** What the end of the daemon asks for: see `capture.saveOnStop`. */
    readonly saveOnStop: Effect.Effect<void>
    search(
      request: Rpc.Payload<typeof SearchCaptures>
    ): Effect.Effect<Rpc.Success<typeof SearchCaptures>, StorageFailed>
    saves(which: Rpc.Payload<typeof ListCaptureSaves>): ReturnType<Saver["list"]>
    rewrite(request: Rpc.Payload<typeof MoveCaptureSaves>): ReturnType<Saver["rewrite"]>
    discard(ref: string): Effect.Effect<Capture, Lookup | StorageError>
    readonly config: Effect.Effect<CaptureConfig>
  }
>()("hob/capture/Captures") {
  static readonly layer = (paths: Paths) => Layer.effect(Captures, make(paths))
}

const make = Effect.fnUntraced(function* (paths: Paths) {
  const concerns = yield* Concerns
  const config = yield* HobConfig
  const database = yield* Database
  const clock = yield* Clock.Clock
  const announcements = new Announcements(yield* Announcer)
  const wall = () => clock.currentTimeMillisUnsafe()
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  let settings = (yield* config.get).capture
  let excludes = makeExcludes(settings.excludePatterns)
  const masks = new Masks(settings.secretPatterns)
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const hasSealed = Effect.orElseSucceed(database.read(rows.hasSealed), () => false)
  const seal = yield* Sealing.make({ secrets: yield* Secrets, isOn: settings.encrypt, monotonic, hasSealed })
  const ledger = new Ledger({ database, seal, announcements, limits: () => settings, wall })

  const saver = makeSaver({ database, ledger, seal, announcements, wall })

  yield* concerns.supervise("capture", (up) =>
    Effect.gen(function* () {
      yield* up
      yield* config.changes.pipe(
        Stream.runForEach(({ capture }) => {
          settings = capture
          excludes = makeExcludes(capture.excludePatterns)
          masks.setPatterns(capture.secretPatterns)
          return seal.set(capture.encrypt)
        }),
        Effect.forkScoped
      )
      for (;;) {
        yield* database
          .write((sql) => retention.sweep(sql, settings, wall()))
          .pipe(
            Effect.tap((closed) => Effect.sync(() => closed.forEach((row) => announcements.closed(row, "quiet")))),
            Effect.catch(({ message }) => Effect.logWarning(`captures were not looked through: ${message}`))
          )
        yield* Effect.sleep(retention.SWEEP)
      }
    }).pipe(Effect.scoped)
  )

  /** Why nothing may be written down; null when it may. */
  const whyOff = (): CaptureDisabled | StorageFailed | null =>
    settings.enabled ? sealProblem() : new CaptureDisabled()
  /** Who asks makes that the key is asked for again: a key store may be unlocked by now. */
  const sealProblem = (): StorageFailed | null => {
    const { problem } = seal
    if (problem !== null) fork(seal.again)
    return problem
  }
  const checkOn = Effect.suspend(() => {
    const off = whyOff()
    return off === null ? Effect.void : Effect.fail(off)
  })

  const create = Effect.fn("Captures.create")(function* (request: Rpc.Payload<typeof CreateCapture>) {
    yield* checkOn
    yield* masks.load
    const tree = request.cwd === undefined ? "none" : findWorkTree(request.cwd)
    const { branch, root } = typeof tree === "string" ? { root: null, branch: null } : tree
    const metadata = masks.metadata(request.metadata ?? {}, root, monotonic())
    return rows.toCapture(yield* ledger.begin({ ...request, repository: root, branch, metadata }))
  })

  const addMasked: AddMessageOf = (ref, { at, content, key, role }, answer) => {
    const off = whyOff()
    if (off !== null) return answer(Exit.fail(off))
    let found: Result.Result<rows.Stored, Lookup>
    try {
      found = database.readNow((sql) => ledger.find(sql, ref))
    } catch (error) {
      if (error instanceof StorageFailed) return answer(Exit.fail(error))
      throw error
    }
    if (Result.isFailure(found)) return answer(Exit.fail(found.failure))
    const row = found.success
    const { cutBytes, masked, text } = masks.store(content, settings.messageBytes, row.repository, monotonic())
    ledger.add(row, { type: "message", body: { role, content: text }, cutBytes, masked, key, at }, answer)
  }

  const scope = yield* Scope.Scope
  let looked = monotonic()
  /** A hook that was too slow for its agent leaves something too. */
  const looksDue = (): boolean => {
    if (monotonic() - looked < LOOK_MILLIS) return false
    looked = monotonic()
    return true
  }

  const addMessage: AddMessageOf = (ref, message, answer) => {
    if (masks.isLoaded) addMasked(ref, message, answer)
    else
      fork(
        Effect.andThen(
          masks.load,
          Effect.sync(() => addMasked(ref, message, answer))
        )
      )
  }

  const addCodeChange = Effect.fn("Captures.addCodeChange")(function* (
    request: Rpc.Payload<typeof AddCodeChange> & Origin
  ): Effect.fn.Return<CaptureAdded, Refused | PathOutsideRepository> {
    yield* checkOn
    yield* masks.load
    const row = yield* ledger.lookup(request.capture)
    const path = row.repository === null ? request.path : below(row.repository, request.path)
    if (path === null) {
      yield* ledger.exclude(row)
      return yield* new PathOutsideRepository({ path: request.path, repository: row.repository! })
    }
    if (excludes(path)) {
      yield* ledger.exclude(row)
      return { seq: null, cut: false, masked: 0, leftOut: "excluded" }
    }
    const { after = null, at, before = null, key } = request
    const kind = request.kind ?? (before === null ? "created" : after === null ? "deleted" : "modified")
    const whole = request.diff ?? unifiedDiff(before ?? "", after ?? "")
    const { cutBytes, masked, text } = masks.store(whole, settings.messageBytes, row.repository, monotonic())
    const body = { path: path.toWellFormed(), kind, diff: text }
    return yield* Effect.callback<CaptureAdded, Refused>((resume) =>
      ledger.add(row, { type: "codeChange", body, cutBytes, masked, key, at }, resume)
    )
  })

  const saveInTime = Effect.suspend(() =>
    saver.saveAll.pipe(
      Effect.flatMap(({ failed, saved }) =>
        Effect.andThen(
          saved > 0 ? Effect.logInfo(`${saved} captures were saved before the stop`) : Effect.void,
          Effect.forEach(failed, ({ message }) => Effect.logWarning(message), { discard: true })
        )
      ),
      Effect.catch(({ message }) => Effect.logWarning(`captures were not saved before the stop: ${message}`)),
      Effect.timeoutOption(Math.max(1, settings.saveOnStopMillis)),
      Effect.flatMap((done) =>
        done._tag === "Some"
          ? Effect.void
          : Effect.logWarning("not all captures were saved before the stop: they are in the store")
      )
    )
  )

  const hooks = makeHooks({
    database,
    ledger,
    masks,
    addMessage,
    addCodeChange,
    isEnabled: () => settings.enabled,
    problem: sealProblem,
    monotonic
  })

  const spool = new Spool(paths.captureSpool)
  const take = (record: SpoolRecord): Effect.Effect<unknown, StorageError | TooManyCaptures> => {
    if (record.type === "hook") return hooks.takeLeft(record)
    if (record.type === "rewrite") return saver.rewrite(record)
    const { commit, repository } = record
    // A repository that can't be written to is not there for ever to be tried.
    return saver.save({ repository, commit }).pipe(
      Effect.catchTags({
        CaptureNotSaved: ({ message }) => Effect.logWarning(message),
        CaptureNotFound: Effect.die,
        CaptureAmbiguous: Effect.die
      })
    )
  }
  const draining = Semaphore.makeUnsafe(1)
  const drain = Effect.suspend(() => (spool.isEmpty ? Effect.void : draining.withPermits(1)(spool.drain(take))))
  // Before anybody is answered, so that it stands before what comes next.
  yield* drain

  /** Behind the answer. */
  const look = Effect.suspend(() => (looksDue() ? Effect.asVoid(Effect.forkIn(drain, scope)) : Effect.void))

  return Captures.of({
    hook: (call) => Effect.tap(hooks.take(call), () => look),
    create,
    addMessage,
    addCodeChange,
    list: ({ all = false, repository, session } = {}) =>
      Effect.map(
        database.read((sql) => rows.all(sql, { repository, session, ...(all ? {} : { state: "open" }) })),
        (captures) => captures.map(rows.toCapture).toReversed()
      ).pipe(Effect.tap(() => look)),
    show: Effect.fn("Captures.show")(function* ({ after = 0, capture }) {
      const row = yield* ledger.lookup(capture)
      const { entries, next } = yield* database.read((sql) =>
        rows.entries(sql, row, seal, { after, bytes: SHOW_BYTES })
      )
      return { capture: rows.toCapture(row), metadata: rows.metadataOf(row), entries, next }
    }),
    // What a hook that was too slow has left belongs to this commit too.
    save: (request) => Effect.andThen(request.repository === undefined ? Effect.void : drain, saver.save(request)),
    saveOnStop: Effect.suspend(() => (settings.saveOnStop ? saveInTime : Effect.void)),
    search: makeSearch(database, seal),
    saves: saver.list,
    rewrite: saver.rewrite,
    discard: Effect.fn("Captures.discard")(function* (ref) {
      const row = yield* ledger.lookup(ref)
      yield* database.write((sql) => rows.remove(sql, row.number))
      announcements.discarded(row)
      return rows.toCapture(row)
    }),
    config: Effect.sync(() => settings)
  })
})
