import { Context, Effect, Exit, Layer, Option, Scope, Semaphore, Stream } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { setInConfigFile } from "../config/editConfigFile.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import {
  type ConfigInvalid,
  type ConfigNotWritten,
  DialectArguments,
  dialectNames,
  DialectRefused,
  DialectsFixed,
  type DialectStatus,
  DialectUnknown
} from "../protocol/index.ts"
import type { Dialect, Environment } from "./Dialect.ts"
import { type DialectEntry, entryText, isMeant, parseEntry, withEntry } from "./entry.ts"
import * as Speaking from "./Speaking.ts"

const KEY = "dialects.enabled"
/** Who enables one waits this long for it to come up. */
const SETTLE = "10 seconds"

type NotWritten = DialectsFixed | ConfigInvalid | ConfigNotWritten

interface Which {
  readonly name: string
  readonly args?: ReadonlyArray<string>
}

/** The dialects that are spoken: what the configuration says, at once when it changes. */
export class Dialects extends Context.Service<
  Dialects,
  {
    /** Those that are enabled, and each other one as `disabled`. */
    readonly list: Effect.Effect<ReadonlyArray<DialectStatus>>
    /** See `dialects.enable`. */
    enable(which: Which): Effect.Effect<DialectStatus, DialectUnknown | DialectArguments | DialectRefused | NotWritten>
    /** See `dialects.disable`. What was ended, as it is now. */
    disable(which: Which): Effect.Effect<ReadonlyArray<DialectStatus>, DialectUnknown | NotWritten>
  }
>()("hob/dialects/Dialects") {}

interface Running {
  readonly speaking: Speaking.Speaking
  readonly scope: Scope.Closeable
}

export interface DialectsOptions {
  readonly paths: Paths
  /** Where their clients look follows from it. */
  readonly env: Environment
}

/** Speaks those of `known` that the configuration names. */
export const layer = <E, R>(
  { env, paths }: DialectsOptions,
  known: Effect.Effect<ReadonlyArray<Dialect>, E, R>
): Layer.Layer<Dialects, E, R | Concerns | HobConfig> =>
  Layer.effect(
    Dialects,
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const whole = yield* Scope.Scope
      const dialects = new Map((yield* known).map((dialect) => [dialect.name as string, dialect]))
      const running = new Map<string, Running>()
      const oneAtATime = yield* Semaphore.make(1)

      const start = Effect.fnUntraced(function* (dialect: Dialect, entry: DialectEntry) {
        const scope = yield* Scope.fork(whole)
        const speaking = yield* Speaking.make(dialect, entry, env)
        running.set(entryText(entry), { speaking, scope })
        yield* concerns.supervise(`dialect ${entryText(entry)}`, speaking.actor).pipe(Scope.provide(scope))
        return speaking
      })

      const stop = (key: string) =>
        Effect.suspend(() => {
          const found = running.get(key)
          running.delete(key)
          return found === undefined ? Effect.void : Scope.close(found.scope, Exit.void)
        })

      /** What is spoken for an entry: itself, or each of its instances. */
      const spokenFor = Effect.fnUntraced(function* (dialect: Dialect, { args, name }: DialectEntry) {
        if (dialect.instances === undefined || args.length > 0) return [{ name, args }]
        const bySocket = new Map<string, DialectEntry>()
        for (const args of yield* dialect.instances.now) {
          const socket = dialect.socket(args, env)
          if (!bySocket.has(socket)) bySocket.set(socket, { name, args })
        }
        return [...bySocket.values()]
      })

      /** What is in the configuration is spoken, and nothing else. */
      const follow = (enabled: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const wanted = new Map<string, { readonly dialect: Dialect; readonly entry: DialectEntry }>()
          for (const key of enabled) {
            const entry = parseEntry(key)
            const dialect = dialects.get(entry.name)
            if (dialect === undefined) continue
            if (!dialect.args.accepts(entry.args)) {
              yield* Effect.logWarning(`${KEY}: ${wrongArguments(dialect, entry.args).message}`)
              continue
            }
            for (const entryOf of yield* spokenFor(dialect, entry)) {
              wanted.set(entryText(entryOf), { dialect, entry: entryOf })
            }
          }
          for (const key of running.keys()) if (!wanted.has(key)) yield* stop(key)
          for (const [key, { dialect, entry }] of wanted) if (!running.has(key)) yield* start(dialect, entry)
        })

      const enabledNow = Effect.map(config.get, (settings) => settings.dialects.enabled)

      const news: Stream.Stream<unknown> = Stream.mergeAll(
        [config.changes, ...[...dialects.values()].flatMap(({ instances }) => instances?.changes ?? [])],
        { concurrency: "unbounded" }
      )

      yield* concerns.supervise("dialects", (up) =>
        Effect.andThen(
          up,
          Effect.andThen(
            Stream.runForEach(news, () => oneAtATime.withPermits(1)(Effect.flatMap(enabledNow, follow))),
            Effect.never
          )
        )
      )

      /** Reads the file before it is written: a mistake in it is told, and what else changed in it is in force. */
      const write = Effect.fnUntraced(function* (change: (enabled: ReadonlyArray<string>) => ReadonlyArray<string>) {
        yield* config.reload
        const enabled = yield* enabledNow
        const next = change(enabled)
        if (next.join() === enabled.join()) return
        yield* setInConfigFile(paths.config, KEY, next)
        yield* config.reload
      })

      const checkChangeable = Effect.gen(function* () {
        const setting = (yield* config.settings).find(({ key }) => key === KEY)
        if (setting?.source === "flag" || setting?.source === "environment") {
          return yield* new DialectsFixed({ source: setting.source })
        }
      })

      /** Of two with one socket, whatever else differs, only one can be spoken. */
      const isSameSocket = (text: string, { args, name }: DialectEntry): boolean => {
        const other = parseEntry(text)
        return other.name === name && socketOf(other) === socketOf({ args, name })
      }
      const socketOf = ({ args, name }: DialectEntry) => dialects.get(name)?.socket(args, env)

      const find = (name: string) =>
        Option.match(Option.fromUndefinedOr(dialects.get(name)), {
          onNone: () => Effect.fail(new DialectUnknown({ dialect: name, known: [...dialectNames] })),
          onSome: Effect.succeed
        })

      const enable = Effect.fn("Dialects.enable")(function* ({ args = [], name }: Which) {
        const dialect = yield* find(name)
        if (!dialect.args.accepts(args)) return yield* wrongArguments(dialect, args)
        const entry: DialectEntry = { name: dialect.name, args }
        const key = entryText(entry)
        const enabled = yield* enabledNow
        const wasEnabled = enabled.includes(key)
        const replaced = [...running.keys(), ...enabled].filter((other) => other !== key && isSameSocket(other, entry))
        if (!wasEnabled || replaced.length > 0) yield* checkChangeable
        const spoken = yield* spokenFor(dialect, entry)
        const isUp = (each: DialectEntry) => running.get(entryText(each))?.speaking.status().state === "up"
        const down = spoken.filter((each) => !isUp(each))
        if (down.length === 0 && replaced.length === 0) return statusOf(dialect, entry, spoken)
        yield* Effect.forEach([...down.map(entryText), ...replaced], stop, { discard: true })
        return yield* Effect.gen(function* () {
          const begun: Array<Speaking.Speaking> = []
          for (const each of down) begun.push(yield* start(dialect, each))
          const settled = Effect.forEach(begun, ({ settled }) => settled, { concurrency: "unbounded", discard: true })
          yield* Effect.timeoutOption(settled, SETTLE)
          for (const speaking of begun) {
            const { reason, socket, state } = speaking.status()
            if (state === "up") continue
            const detail = reason ?? "it has not come up; `hob logs` may tell why"
            const dialect = entryText(speaking.entry)
            return yield* new DialectRefused({ dialect, socket, reason: detail, pid: speaking.occupant() })
          }
          yield* write((listed) => {
            const kept = listed.filter((other) => !replaced.includes(other))
            return withEntry(kept, entry)
          })
          return statusOf(dialect, entry, spoken)
        }).pipe(
          Effect.onError(() =>
            Effect.andThen(
              wasEnabled ? Effect.void : Effect.forEach(down.map(entryText), stop, { discard: true }),
              Effect.flatMap(enabledNow, follow)
            )
          )
        )
      }, oneAtATime.withPermits(1))

      /** Of one that is up; of several that are, since the last of them is. */
      const statusOf = (dialect: Dialect, entry: DialectEntry, spoken: ReadonlyArray<DialectEntry>): DialectStatus => {
        const all = spoken.flatMap((each) => running.get(entryText(each))?.speaking.status() ?? [])
        if (all.length === 1) return all[0]!
        const since = all.map(({ since }) => since).toSorted()
        return { ...entry, state: "up", socket: dialect.socket([], env), reason: null, since: since.at(-1) ?? null }
      }

      const disable = Effect.fn("Dialects.disable")(function* (which: Which) {
        yield* find(which.name)
        yield* checkChangeable
        const meant = (key: string) => isMeant(parseEntry(key), which)
        const ended = [...running].flatMap(([key, { speaking }]) => (meant(key) ? [off(speaking.status())] : []))
        yield* write((enabled) => enabled.filter((key) => !meant(key)))
        yield* Effect.forEach([...running.keys()].filter(meant), stop, { discard: true })
        return ended
      }, oneAtATime.withPermits(1))

      const disabled = (dialect: Dialect): DialectStatus => ({
        name: dialect.name,
        args: [],
        state: "disabled",
        socket: dialect.socket([], env),
        reason: null,
        since: null
      })

      return Dialects.of({
        list: Effect.sync(() => {
          const spoken = [...running.values()].map(({ speaking }) => speaking.status())
          const rest = [...dialects.values()].filter(({ name }) => !spoken.some((status) => status.name === name))
          return [...spoken, ...rest.map(disabled)]
        }),
        enable,
        disable
      })
    })
  )

const off = (status: DialectStatus): DialectStatus => ({ ...status, state: "disabled", reason: null })

const wrongArguments = (dialect: Dialect, args: ReadonlyArray<string>) =>
  new DialectArguments({ dialect: dialect.name, args, expected: dialect.args.expected })
