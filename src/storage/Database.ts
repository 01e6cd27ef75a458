import { Cause, Context, Effect, Exit, Latch, Layer, Option, Stream } from "effect"
import { turnsOfLoop } from "../actors/turns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import { StorageFailed, type StorageError, type StorageStatus } from "../protocol/storage.ts"
import { GroupCommit } from "./GroupCommit.ts"
import { type Migration, migrations } from "./migrations.ts"
import { type Opened, openStore, StoreUnusable } from "./openStore.ts"
import { migrate } from "./migrate.ts"
import { Connection, type Durability, type Reads, type Sql, troubleOf } from "./sqlite.ts"

/** Writes that may wait for their transaction. */
const CAPACITY = 16_384

export interface DatabaseOptions {
  readonly path: string
  readonly durability: Durability
  /** Default: those of hob. */
  readonly steps?: ReadonlyArray<Migration>
  /** Writes that may wait; further ones are refused with `StorageBusy`. */
  readonly capacity?: number
}

/**
 * The store: one SQLite file, open in this process alone.
 *
 * Writes that are asked for in one turn of the event loop share a transaction, and are answered once it is committed:
 * an acknowledged write survives what `storage.durability` says. Reads are answered at once and see what is committed.
 */
export class Database extends Context.Service<
  Database,
  {
    /**
     * Runs `work` within a transaction and answers after its COMMIT. What throws in `work` undoes this write alone and
     * is a defect. `work` must not wait, and keeps nothing for itself: what it changed elsewhere is not undone when the
     * disk is full.
     */
    write<A>(work: (sql: Sql) => A): Effect.Effect<A, StorageError>
    /** The same for callers without a fiber: `answer` is called once, after the COMMIT or at once when refused. */
    submit<A>(work: (sql: Sql) => A, answer: (exit: Exit.Exit<A, StorageError>) => void): void
    /** Reads what is committed. */
    read<A>(work: (sql: Reads) => A): Effect.Effect<A, StorageFailed>
    /** The same for callers without a fiber. Throws `StorageFailed`. */
    readNow<A>(work: (sql: Reads) => A): A
    readonly status: Effect.Effect<StorageStatus>
  }
>()("hob/storage/Database") {
  /** The store of these paths, as durable as the configuration says, whatever it comes to say later. */
  static readonly layer = (paths: Pick<Paths, "database">): Layer.Layer<Database, StoreUnusable, HobConfig> =>
    Layer.effect(
      Database,
      Effect.gen(function* () {
        const config = yield* HobConfig
        const { storage } = yield* config.get
        const { database, setDurability } = yield* make({ path: paths.database, durability: storage.durability })
        yield* config.changes.pipe(
          Stream.runForEach(({ storage }) => setDurability(storage.durability)),
          Effect.forkScoped
        )
        return database
      })
    )

  static readonly layerFile = (options: DatabaseOptions): Layer.Layer<Database, StoreUnusable> =>
    Layer.effect(
      Database,
      Effect.map(make(options), ({ database }) => database)
    )

  /** A store that is gone with its scope. */
  static readonly layerMemory: Layer.Layer<Database> = Layer.effect(
    Database,
    Effect.suspend(() => make({ path: ":memory:", durability: "process-crash" })).pipe(
      Effect.map(({ database }) => database),
      Effect.orDie
    )
  )
}

const open = ({ durability, path, steps = migrations }: DatabaseOptions): Opened => {
  if (path !== ":memory:") return openStore(path, { durability, steps })
  const connection = new Connection(path, durability)
  migrate(connection, steps)
  return { connection, damage: [] }
}

const make = Effect.fnUntraced(function* (options: DatabaseOptions) {
  const { path } = options
  const { connection, damage } = yield* Effect.acquireRelease(
    Effect.try({ try: () => open(options), catch: (error) => error as StoreUnusable }),
    ({ connection }) => Effect.sync(() => connection.close())
  )
  yield* Effect.forEach(damage, ({ detail }) => Effect.logError(detail), { discard: true })
  const commits = new GroupCommit(connection, { path, capacity: options.capacity ?? CAPACITY })
  yield* Effect.addFinalizer(() => Effect.sync(() => commits.close()))
  const turns = yield* turnsOfLoop
  const waiting = yield* Latch.make()
  let durability = options.durability

  // Writes come from callbacks of this turn and from fibers that it wakes; behind a yield all of them have been heard.
  yield* Effect.gen(function* () {
    for (;;) {
      yield* waiting.await
      yield* Effect.yieldNow
      let since = turns.enter()
      const enough = () => turns.isLong(since)
      commits.commit(enough)
      // Those who asked go on at once: in this turn, for as long as that may be.
      while (commits.answer(enough)) {
        turns.leave(since)
        yield* turns.next
        since = turns.enter()
      }
      turns.leave(since)
      if (commits.size === 0) yield* waiting.close
    }
  }).pipe(Effect.forkScoped({ startImmediately: true }))

  const submit = <A>(work: (sql: Sql) => A, answer: (exit: Exit.Exit<A, StorageError>) => void) => {
    const cancel = commits.submit(work, answer)
    if (commits.size > 0) waiting.openUnsafe()
    return cancel
  }

  const readNow = <A>(work: (sql: Reads) => A): A => {
    if (!connection.db.isOpen) throw new StorageFailed({ path, reason: "is closed" })
    try {
      return work(connection)
    } catch (error) {
      if (troubleOf(error) === "other") throw error
      throw new StorageFailed({ path, reason: `can't be read: ${(error as Error).message}` })
    }
  }
  const read = <A>(work: (sql: Reads) => A) =>
    Effect.suspend(() => {
      try {
        return Effect.succeed(readNow(work))
      } catch (error) {
        return error instanceof StorageFailed ? Effect.fail(error) : Effect.die(error)
      }
    })

  const database = Database.of({
    write: (work) =>
      Effect.callback((resume) => {
        const cancel = submit(work, resume)
        return Effect.sync(cancel)
      }),
    submit,
    read,
    readNow,
    status: Effect.sync(() => ({ path, ...commits.state, durability, damage }))
  })
  const setDurability = (next: Durability) =>
    Effect.sync(() => {
      if (next === durability) return
      durability = next
      connection.setDurability(next)
    })
  return { database, setDurability }
})

/** Why a submitted write failed. A bug in the write itself is told as a failure of the store, and logged by whoever asked. */
export const problemOf = ({ cause }: Exit.Failure<unknown, StorageError>): StorageError =>
  Option.getOrElse(
    Cause.findErrorOption(cause),
    () => new StorageFailed({ path: "the store", reason: String(Cause.squash(cause)) })
  )
