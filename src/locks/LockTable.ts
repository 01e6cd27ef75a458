import { Clock, Context, Effect, Latch, Layer, PubSub, Stream } from "effect"
import { Announcer, WrittenJson } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { Connections } from "../actors/Connections.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { bootId } from "../config/processIdentity.ts"
import {
  type Acquire,
  type Acquired,
  DEFAULT_LIST_LIMIT,
  type ListLocks,
  type Lock,
  type LockEvent,
  type Release,
  type Renew
} from "../protocol/locks.ts"
import { defaultNamespace } from "../protocol/namespaces.ts"
import type { Rpc } from "effect/rpc"
import { Database } from "../storage/Database.ts"
import { announcedText } from "./plain.ts"
import * as rows from "./rows.ts"
import { hashOf, Secrets } from "./Secrets.ts"
import { endOf, type Grant, type HeldState, isoText } from "./state.ts"
import { type Answer, Table } from "./Table.ts"

/** What one watcher may be behind before it loses the oldest. */
const WATCHER_EVENTS = 1024

/** Requests that are decided in one transaction, as long as more wait. */
const BATCH_ASKS = 32

/** What a request comes to: `succeed` or `fail`, called once, now or after a COMMIT. */
export interface Answering<A, E> {
  readonly succeed: (value: A) => void
  readonly fail: (error: E) => void
}

type AnsweringOf<R extends Rpc.Any> = Answering<Rpc.Success<R>, Rpc.Error<R>>

/**
 * Who holds what. Callback-first: a request takes no fiber on its way; {@link effectOf} makes an effect of one.
 * `client` is the connection that asks; undefined for callers in this process, who can't bind a lock to one.
 */
export class LockTable extends Context.Service<
  LockTable,
  {
    /** What it gives back takes the request back: a lock that has not been given by then is not given. */
    acquire(
      request: Rpc.Payload<typeof Acquire>,
      client: number | undefined,
      answering: AnsweringOf<typeof Acquire>
    ): () => void
    renew(request: Rpc.Payload<typeof Renew>, answering: AnsweringOf<typeof Renew>): void
    release(request: Rpc.Payload<typeof Release>, answering: AnsweringOf<typeof Release>): void
    /** Binds to this connection the locks that wait for the client with this secret. */
    resume(secret: string, client: number): ReadonlyArray<Lock>
    /** The locks that are held, in the order of their tokens; `limit` may be Infinity. */
    list(which: Rpc.Payload<typeof ListLocks>): Rpc.Success<typeof ListLocks>
    /** What happens from now on, in all namespaces. A slow reader loses the oldest. */
    readonly events: Stream.Stream<LockEvent>
  }
>()("hob/locks/LockTable") {}

/** A request as an effect; interrupting it takes it back where that can be done. */
export const effectOf = <A, E>(ask: (answering: Answering<A, E>) => (() => void) | void): Effect.Effect<A, E> =>
  Effect.callback((resume) => {
    const takeBack = ask({
      succeed: (value) => resume(Effect.succeed(value)),
      fail: (error) => resume(Effect.fail(error))
    })
    return takeBack === undefined ? undefined : Effect.sync(takeBack)
  })

/** The locks of this store. `boot` names the boot of the machine, within which the monotonic clock goes on. */
export const layer = (boot: () => string | null = bootId) =>
  Layer.effect(
    LockTable,
    Effect.gen(function* () {
      const announcer = yield* Announcer
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const connections = yield* Connections
      const database = yield* Database
      const clock = yield* Clock.Clock
      const events = yield* PubSub.sliding<LockEvent>(WATCHER_EVENTS)
      const earlier = yield* Latch.make()
      const first = yield* config.get
      let settings = first.locks
      let { durability } = first.storage
      const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
      const wall = () => clock.currentTimeMillisUnsafe()

      const bootOfNow = boot()
      const secrets = new Secrets()
      yield* database
        .write((sql) => rows.rebase(sql, { bootId: bootOfNow, now: now() }))
        .pipe(
          Effect.catch((error) =>
            Effect.logWarning(`leases of another boot of the machine begin again: ${error.message}`)
          )
        )
      const { damage } = yield* database.status
      // A store that can't be read is no ground to give locks on.
      const table = new Table(
        {
          submit: database.submit,
          now,
          wall,
          bootId: bootOfNow,
          limits: () => settings,
          // Where a COMMIT waits for the disk, that is most of what a batch costs.
          batchAsks: () => (durability === "power-loss" ? Infinity : BATCH_ASKS),
          announce: (event, channel) => {
            PubSub.publishUnsafe(events, event)
            announcer.announce({
              namespace: event.namespace,
              channel,
              message: new WrittenJson(announcedText(event))
            })
          },
          hasLeft: (client) => !secrets.has(client),
          wake: () => void earlier.openUnsafe()
        },
        yield* Effect.orDie(database.read(rows.load)),
        damage.length === 0 ? 1 : leastTokenAfterDamage(wall())
      )

      yield* concerns.supervise("locks", (up) =>
        Effect.gen(function* () {
          yield* up
          yield* config.changes.pipe(
            Stream.runForEach(({ locks, storage }) =>
              Effect.sync(() => {
                settings = locks
                durability = storage.durability
              })
            ),
            Effect.forkScoped
          )
          for (;;) {
            yield* earlier.close
            const next = table.expire()
            const rung = next === undefined ? Effect.never : Effect.sleep(Math.max(1, next - now()))
            yield* Effect.raceFirst(rung, earlier.await)
          }
        }).pipe(Effect.scoped)
      )

      /** From the first lock that is bound to it on. */
      const watchOver = (client: number) => () =>
        connections.onLeave(client, (reason) => {
          // When the daemon stops, clients don't leave: they come back to the next one.
          if (reason === "stopping") return
          secrets.forget(client)
          table.disconnect(client)
        })

      const described = ({ grant, name, namespace, waiters }: HeldState): Lock => {
        const expiresInMillis = endOf(grant) - now()
        return {
          namespace,
          name,
          holder: grant.holder,
          token: grant.token as Lock["token"],
          bind: grant.bind,
          acquiredAt: new Date(grant.acquiredAt).toISOString(),
          ttlMillis: grant.ttlMillis,
          expiresInMillis,
          expiresAt: new Date(wall() + expiresInMillis).toISOString(),
          waiting: waiters.length
        }
      }
      const leaseOf = (name: Lock["name"], grant: Grant) => ({
        name,
        holder: grant.holder,
        token: grant.token as Lock["token"],
        ttlMillis: grant.ttlMillis,
        expiresAt: isoText(wall() + grant.deadline - now())
      })

      return LockTable.of({
        acquire: (
          { bind = "lease", holder, name, namespace = defaultNamespace, ttlMillis, waitMillis = 0 },
          client,
          answering
        ) => {
          const id = table.newId()
          if (bind === "connection" && client === undefined)
            throw new Error("only a connection can bind a lock to itself")
          const secret = bind === "connection" ? secrets.of(client!, watchOver(client!)) : undefined
          const happening = {
            type: "acquire",
            id,
            holder,
            ttlMillis: ttlMillis ?? settings.defaultTtlMillis,
            waitMillis,
            bind,
            client: secret === undefined ? undefined : client,
            secretHash: secret?.hash
          } as const
          table.ask({ namespace, name, happening }, id, (answer) => {
            if (answer.type !== "granted") return answering.fail(errorOf(answer))
            const { grant, renewed, waitedMillis } = answer
            const { expiresAt, holder, token, ttlMillis } = leaseOf(name, grant)
            const acquired: Acquired = { name, holder, token, ttlMillis, expiresAt, renewed, waitedMillis }
            const { resumeMillis } = settings
            answering.succeed(secret === undefined ? acquired : { ...acquired, secret: secret.secret, resumeMillis })
          })
          return () => table.leave({ namespace, name }, id)
        },
        renew: ({ holder, name, namespace = defaultNamespace, token, ttlMillis }, answering) => {
          const id = table.newId()
          const happening = { type: "renew", id, holder, token, ttlMillis } as const
          table.ask({ namespace, name, happening }, id, (answer) => {
            if (answer.type === "renewed") answering.succeed(leaseOf(name, answer.grant))
            else answering.fail(errorOf(answer))
          })
        },
        release: ({ holder, name, namespace = defaultNamespace, token }, answering) => {
          const id = table.newId()
          const happening = { type: "release", id, holder, token } as const
          table.ask({ namespace, name, happening }, id, (answer) => {
            if (answer.type === "released") answering.succeed({ name, token: answer.grant.token as Lock["token"] })
            else answering.fail(errorOf(answer))
          })
        },
        resume: (secret, client) => {
          secrets.adopt(client, secret, watchOver(client))
          return table.resume(client, hashOf(secret)).map(described)
        },
        list: ({ after = 0, all = false, limit = DEFAULT_LIST_LIMIT, name, namespace = defaultNamespace }) => {
          const found: Array<HeldState> = []
          for (const state of table.list()) {
            if (state.grant.token <= after || (name !== undefined && state.name !== name)) continue
            if (all || state.namespace === namespace) found.push(state)
          }
          const locks = oldest(found, limit).map(described)
          return { locks, ...(found.length > limit ? { truncated: true } : {}) }
        },
        events: Stream.fromPubSub(events)
      })
    })
  )

/**
 * Damage may have taken away how far tokens have been given. The clock in milliseconds is beyond any that were: it goes
 * faster than locks are given.
 */
const leastTokenAfterDamage = (wall: number): number => Math.max(1, Math.floor(wall))

const errorOf = (answer: Answer): any => {
  if (answer.type === "refused" || answer.type === "failed") return answer.error
  throw new Error(`a request can't be answered by "${answer.type}"`)
}

/** The first so many by token, in order. Only those are sorted as objects: there may be very many others. */
const oldest = (states: ReadonlyArray<HeldState>, limit: number): ReadonlyArray<HeldState> => {
  const last =
    states.length > limit ? Float64Array.from(states, ({ grant }) => grant.token).sort()[limit - 1]! : Infinity
  return states.filter(({ grant }) => grant.token <= last).sort((a, b) => a.grant.token - b.grant.token)
}
