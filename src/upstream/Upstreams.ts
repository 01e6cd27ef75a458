import { Clock, Context, Effect, Exit, Layer, Scope, Semaphore, Stream, SubscriptionRef } from "effect"
import { readFileSync } from "node:fs"
import { Announcer } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { ChannelName } from "../protocol/channelNames.ts"
import type { PromptRefused, Question } from "../protocol/methods.ts"
import type { StorageError } from "../protocol/storage.ts"
import * as protocol from "../protocol/upstream.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Database } from "../storage/Database.ts"
import * as credentials from "./credentials.ts"
import { type Declared, declarations } from "./declarations.ts"
import { Refused } from "./login.ts"
import * as rows from "./rows.ts"
import { targetOf } from "./target.ts"
import { make as makeUpstream, type Upstream } from "./Upstream.ts"

/** How long a ping waits for its answer when it says nothing of it. */
const PING_MILLIS = 10_000

/** Asks a person on whose behalf something is done; absent where there is nobody. */
export type Ask = (question: Question) => Effect.Effect<unknown, PromptRefused>

/** A call of a method of an upstream. */
export interface UpstreamCall {
  readonly name?: string | undefined
  readonly method: string
  /** The text of a JSON array. Default: `[]`. */
  readonly params?: string | undefined
  /** To the answer; of a job to its beginning. 0: no limit. Default: `upstream.callMillis`. */
  readonly timeoutMillis?: number | undefined
  /** Waits for the job that it is, if it is one. Without, a job's id is the result. */
  readonly job?: boolean | undefined
  /** It is a job: called at most once, before any progress. */
  readonly onJob?: ((job: number) => void) | undefined
  /** In order, and never after the call has ended. */
  readonly onProgress?: ((progress: protocol.JobProgress) => void) | undefined
  readonly ask?: Ask | undefined
}

export interface Login {
  readonly name?: string | undefined
  readonly user?: string | undefined
  readonly credential?: protocol.Credential | undefined
  readonly ask?: Ask | undefined
}

type Unnamed = protocol.UpstreamNotFound | protocol.UpstreamNotNamed

/**
 * The upstreams: each an actor with one connection that is logged in, shared by everybody here. Without a name, the one
 * that `upstream.default` says is meant, else the only one there is.
 */
export class Upstreams extends Context.Service<
  Upstreams,
  {
    /** By name. */
    readonly list: Effect.Effect<ReadonlyArray<protocol.Upstream>>
    status(name?: string): Effect.Effect<protocol.Upstream, Unnamed>
    add(
      declared: typeof protocol.AddUpstream.payloadSchema.Type
    ): Effect.Effect<
      protocol.Upstream,
      protocol.UpstreamExists | protocol.UpstreamInvalid | protocol.TooManyUpstreams | StorageError
    >
    remove(
      name: string
    ): Effect.Effect<protocol.Upstream, protocol.UpstreamNotFound | protocol.UpstreamFixed | StorageError>
    /** The declared ones, now and whenever one was added, removed or declared anew. */
    readonly changes: Stream.Stream<ReadonlyArray<protocol.UpstreamDeclaration>>
    reconnect(name?: string): Effect.Effect<protocol.Upstream, Unnamed | protocol.UpstreamConnectError>
    login(
      login: Login
    ): Effect.Effect<protocol.Upstream, Unnamed | protocol.UpstreamConnectError | protocol.UpstreamFixed | StorageError>
    /** Round trip in milliseconds. Never waits behind calls. */
    ping(
      name?: string,
      timeoutMillis?: number
    ): Effect.Effect<{ readonly name: string; readonly roundTripMillis: number }, protocol.UpstreamCallError>
    /** The text of the result, as the upstream wrote it. Interrupting it abandons the call and frees its permit. */
    call(call: UpstreamCall): Effect.Effect<string, protocol.UpstreamCallError>
    /** Events of a collection, as texts; one subscription upstream however many listen. */
    subscribe(
      collection: string,
      name?: string
    ): Stream.Stream<
      protocol.UpstreamEventItem,
      protocol.UpstreamCallError | protocol.UpstreamUnsubscribed | protocol.UpstreamListenerTooSlow
    >
  }
>()("hob/upstream/Upstreams") {}

/** One that is declared, and its actor once somebody has used it. */
interface Entry extends Declared {
  running: { readonly upstream: Upstream; readonly scope: Scope.Closeable } | undefined
}

/** The upstreams of this store and configuration. */
export const layer: Layer.Layer<Upstreams, never, Announcer | Concerns | HobConfig | Database | Secrets> = Layer.effect(
  Upstreams,
  Effect.gen(function* () {
    const announcer = yield* Announcer
    const concerns = yield* Concerns
    const config = yield* HobConfig
    const database = yield* Database
    const secrets = yield* Secrets
    const scope = yield* Scope.Scope
    const one = yield* Semaphore.make(1)
    const bornAt = yield* Clock.currentTimeMillis
    let settings = (yield* config.get).upstream
    const added = new Map((yield* Effect.orDie(database.read(rows.load))).map((row) => [row.name, row]))
    const kinds = new Map(yield* Effect.orDie(database.read(rows.loadKinds)))
    let entries = new Map<string, Entry>()
    const announced = yield* SubscriptionRef.make<ReadonlyArray<protocol.UpstreamDeclaration>>([])

    const end = ({ running }: Entry): Effect.Effect<void> =>
      running === undefined ? Effect.void : Scope.close(running.scope, Exit.void)

    /** What is declared now: one that is declared as before goes on. */
    const declare = Effect.gen(function* () {
      const before = entries
      const next = new Map<string, Entry>()
      for (const [name, declared] of declarations(settings, added.values())) {
        const same = before.get(name)
        const isSame = same !== undefined && JSON.stringify(same.declaration) === JSON.stringify(declared.declaration)
        next.set(name, { ...declared, running: isSame ? same.running : undefined })
      }
      entries = next
      for (const [name, entry] of before) if (next.get(name)?.running !== entry.running) yield* end(entry)
      yield* SubscriptionRef.set(
        announced,
        Array.from(next.values(), ({ declaration }) => declaration)
      )
    }).pipe(Effect.uninterruptible)
    yield* declare

    yield* concerns.supervise("upstream", (up) =>
      Effect.gen(function* () {
        yield* up
        yield* Stream.runForEach(config.changes, ({ upstream }) =>
          one.withPermit(
            Effect.andThen(
              Effect.sync(() => void (settings = upstream)),
              declare
            )
          )
        )
        return yield* Effect.never
      })
    )

    const find = (name = settings.default ?? undefined): Effect.Effect<Entry, Unnamed> => {
      const [only, ...others] = entries.values()
      const found = name === undefined ? only : entries.get(name)
      if (name === undefined && others.length > 0)
        return Effect.fail(new protocol.UpstreamNotNamed({ names: [...entries.keys()] }))
      return found === undefined
        ? Effect.fail(new protocol.UpstreamNotFound({ upstream: name ?? "" }))
        : Effect.succeed(found)
    }

    const start = (entry: Entry): Effect.Effect<Upstream> =>
      Effect.gen(function* () {
        const { declaration } = entry
        const { name } = declaration
        const target = targetOf(declaration.uri)
        // The configuration may say anything: whoever uses it hears what is wrong.
        const usable = typeof target === "string" ? targetOf(protocol.LOCAL_UPSTREAM_URI) : target
        if (typeof usable === "string") return yield* Effect.die(usable)
        const own = yield* Scope.fork(scope)
        const upstream = yield* makeUpstream({
          declared: declaration,
          target: usable,
          settings: () => settings,
          credential: Effect.suspend(() => {
            if (typeof target === "string") return Effect.fail(new Refused("hob", target))
            return kinds.has(name) ? credentials.read(secrets, name) : Effect.succeed(null)
          }),
          ca: Effect.suspend(() => readCa(declaration.caFile)),
          changed: ({ reason, state }) =>
            announcer.announce({
              channel: ChannelName.make(`upstream:${name}`),
              message: { upstream: name, state, reason }
            })
        }).pipe(Scope.provide(own), Effect.provideService(Concerns, concerns))
        entry.running = { upstream, scope: own }
        return upstream
      })

    /** The actor of one that is meant, which its first use starts. */
    const use = (name?: string): Effect.Effect<Upstream, Unnamed> =>
      Effect.flatMap(find(name), (entry) =>
        entry.running === undefined
          ? one.withPermit(
              Effect.suspend(() =>
                entry.running === undefined ? start(entry) : Effect.succeed(entry.running.upstream)
              )
            )
          : Effect.succeed(entry.running.upstream)
      )

    const described = ({ declaration, declaredBy, running }: Entry): protocol.Upstream => {
      const { nextAttemptAt, since, ...rest } = running?.upstream.counts() ?? { ...idle, since: bornAt }
      return {
        ...declaration,
        declaredBy,
        credential: kinds.get(declaration.name) ?? null,
        ...rest,
        since: new Date(since).toISOString(),
        nextAttemptAt: nextAttemptAt === null ? null : new Date(nextAttemptAt).toISOString()
      }
    }

    const keepCredential = (name: string, credential: protocol.Credential) =>
      Effect.gen(function* () {
        yield* credentials.write(secrets, name, credential)
        yield* database.write((sql) => rows.saveKind(sql, name, credential.kind))
        kinds.set(name, credential.kind)
      })

    const add: Upstreams["Service"]["add"] = (declared) =>
      Effect.gen(function* () {
        const { caFile = null, concurrency = 1, credential, insecure = false, lifetimeMillis = null, name } = declared
        if (entries.has(name) && entries.get(name)?.declaredBy !== "default")
          return yield* new protocol.UpstreamExists({ upstream: name })
        if (added.size >= settings.maxCount) return yield* new protocol.TooManyUpstreams({ limit: settings.maxCount })
        const { uri = protocol.LOCAL_UPSTREAM_URI, user = null } = declared
        const target = targetOf(uri)
        if (typeof target === "string") return yield* new protocol.UpstreamInvalid({ upstream: name, problem: target })
        yield* Effect.mapError(
          readCa(caFile),
          ({ reason }) => new protocol.UpstreamInvalid({ upstream: name, problem: reason })
        )
        const row = { name, uri, user, insecure, caFile, concurrency, lifetimeMillis }
        if (credential !== undefined) yield* keepCredential(name, credential)
        yield* database.write((sql) => rows.save(sql, row))
        added.set(name, row)
        yield* declare
        return described(entries.get(name)!)
      })

    const remove: Upstreams["Service"]["remove"] = (name) =>
      Effect.gen(function* () {
        const entry = entries.get(name)
        if (entry === undefined || entry.declaredBy === "default")
          return yield* new protocol.UpstreamNotFound({ upstream: name })
        if (entry.declaredBy === "configuration") return yield* new protocol.UpstreamFixed({ upstream: name })
        const was = described(entry)
        yield* database.write((sql) => rows.remove(sql, name))
        added.delete(name)
        kinds.delete(name)
        yield* credentials.remove(secrets, name)
        yield* declare
        return was
      })

    const login: Upstreams["Service"]["login"] = ({ ask, credential, name, user }) =>
      Effect.gen(function* () {
        const entry = yield* find(name)
        const { declaration, declaredBy } = entry
        yield* one.withPermit(
          Effect.gen(function* () {
            if (user !== undefined && user !== declaration.user) {
              const row = added.get(declaration.name)
              if (declaredBy !== "command" || row === undefined)
                return yield* new protocol.UpstreamFixed({ upstream: declaration.name })
              yield* database.write((sql) => rows.save(sql, { ...row, user }))
              added.set(row.name, { ...row, user })
              yield* declare
            }
            if (credential !== undefined) yield* keepCredential(declaration.name, credential)
          })
        )
        return yield* reconnect(declaration.name, ask)
      })

    const reconnect = (name?: string, ask?: Ask) =>
      Effect.gen(function* () {
        const upstream = yield* use(name)
        yield* upstream.restart
        yield* upstream.up(ask)
        return described(yield* find(upstream.declared.name))
      })

    return Upstreams.of({
      list: Effect.sync(() => Array.from(entries.values(), described)),
      status: (name) => Effect.map(find(name), described),
      changes: SubscriptionRef.changes(announced),
      add: Effect.fn("Upstreams.add")((declared) => one.withPermit(add(declared))),
      remove: Effect.fn("Upstreams.remove")((name) => one.withPermit(remove(name))),
      reconnect: Effect.fn("Upstreams.reconnect")((name) => reconnect(name)),
      login: Effect.fn("Upstreams.login")(login),
      ping: Effect.fn("Upstreams.ping")(function* (name, timeoutMillis = PING_MILLIS) {
        const upstream = yield* use(name)
        return { name: upstream.declared.name, roundTripMillis: yield* upstream.ping(timeoutMillis) }
      }),
      call: (call) => Effect.flatMap(use(call.name), (upstream) => upstream.call(call)),
      subscribe: (collection, name) => Stream.unwrap(Effect.map(use(name), (upstream) => upstream.listen(collection)))
    })
  })
)

const idle = {
  state: "idle",
  reason: null,
  nextAttemptAt: null,
  connections: 0,
  logins: 0,
  inFlight: 0,
  waiting: 0,
  jobs: 0,
  subscriptions: []
} as const

const readCa = (file: string | null): Effect.Effect<string | null, Refused> =>
  file === null
    ? Effect.succeed(null)
    : Effect.try({
        try: () => readFileSync(file, "utf8"),
        catch: (error) => new Refused("hob", `its certificates (${file}) can't be read: ${(error as Error).message}.`)
      })
