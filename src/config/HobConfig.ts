import { Context, Effect, Equal, Layer, Option, Semaphore, Stream, SubscriptionRef } from "effect"
import { ConfigInvalid, type EffectiveSetting } from "../protocol/daemon.ts"
import { assemble, type ConfigSources, type LoadedConfig, loadConfig, nest } from "./loadConfig.ts"
import { findSetting, isSettingGroup, unknownKey, wrongValue } from "./settingKeys.ts"
import type { Settings } from "./settings.ts"

/** Settings by group, all optional: the shape of `config.json`. */
export type SettingsOverrides = Overrides<Settings>

type Overrides<T> = {
  readonly [Name in keyof T]?: T[Name] extends ReadonlyArray<unknown>
    ? T[Name]
    : T[Name] extends object
      ? Overrides<T[Name]>
      : T[Name]
}

type InForce = Pick<LoadedConfig, "settings" | "effective">

/**
 * The configuration in force. Asked each time a value is needed, for it may change; a value that is taken once is that
 * of a setting that says "after a restart".
 */
export class HobConfig extends Context.Service<
  HobConfig,
  {
    readonly get: Effect.Effect<Settings>
    /** The same, key by key, each with its source. */
    readonly settings: Effect.Effect<ReadonlyArray<EffectiveSetting>>
    /** The settings now, and again whenever a reload changed them or where they come from. */
    readonly changes: Stream.Stream<Settings>
    /**
     * Reads the file again. `changed` are the keys whose configured value is not the one in force until now;
     * `needRestart` those of them that stay as they are until the next daemon. With a mistake anywhere everything
     * stays as it is.
     */
    readonly reload: Effect.Effect<
      { readonly changed: ReadonlyArray<string>; readonly needRestart: ReadonlyArray<string> },
      ConfigInvalid
    >
  }
>()("hob/config/HobConfig") {
  /** From flags, environment and disk. */
  static readonly layer = (sources: ConfigSources): Layer.Layer<HobConfig, ConfigInvalid> =>
    Layer.effect(
      HobConfig,
      Effect.gen(function* () {
        const load = Effect.tap(loadConfig(sources), ({ warnings }) =>
          Effect.forEach(warnings, (text) => Effect.logWarning(text))
        )
        return yield* make(yield* load, load)
      })
    )

  /** The defaults with these in their place, as if a file had them; dies of a value that no file could have. */
  static readonly layerTest = (overrides: SettingsOverrides = {}): Layer.Layer<HobConfig> =>
    Layer.effect(
      HobConfig,
      Effect.suspend(() => {
        const fixed = assemble([["file", checked(overrides)]])
        return make(fixed, Effect.succeed(fixed))
      })
    )
}

const make = Effect.fnUntraced(function* (first: InForce, load: Effect.Effect<InForce, ConfigInvalid>) {
  const inForce = yield* SubscriptionRef.make(first)
  const oneAtATime = yield* Semaphore.make(1)

  const reload = Effect.gen(function* () {
    const next = yield* load
    const current = yield* SubscriptionRef.get(inForce)
    const { changed, effective, needRestart } = decideReload(current.effective, next.effective)
    if (!Equal.equals(effective, current.effective)) {
      yield* SubscriptionRef.set(inForce, { effective, settings: nest(effective) })
    }
    yield* Effect.logInfo(`the configuration was read again: ${reloadText(changed, needRestart)}`)
    return { changed, needRestart }
  }).pipe(oneAtATime.withPermits(1), Effect.withSpan("HobConfig.reload"))

  return HobConfig.of({
    get: Effect.map(SubscriptionRef.get(inForce), ({ settings }) => settings),
    settings: Effect.map(SubscriptionRef.get(inForce), ({ effective }) => effective),
    changes: Stream.map(SubscriptionRef.changes(inForce), ({ settings }) => settings),
    reload
  })
})

/** What a reload did, for the log: keys and not values, which may be nobody's business. */
const reloadText = (changed: ReadonlyArray<string>, needRestart: ReadonlyArray<string>): string => {
  const applied = changed.filter((key) => !needRestart.includes(key))
  const parts = [
    ...(applied.length === 0 ? [] : [`${applied.join(", ")} changed`]),
    ...(needRestart.length === 0 ? [] : [`${needRestart.join(", ")} will change with the next daemon`])
  ]
  return parts.length === 0 ? "nothing changed" : parts.join("; ")
}

/** What a reload changes: settings that apply after a restart keep their value, and its source, until then. */
export const decideReload = (
  current: ReadonlyArray<EffectiveSetting>,
  next: ReadonlyArray<EffectiveSetting>
): {
  readonly effective: ReadonlyArray<EffectiveSetting>
  readonly changed: ReadonlyArray<string>
  readonly needRestart: ReadonlyArray<string>
} => {
  const changed: Array<string> = []
  const needRestart: Array<string> = []
  const effective = next.map((wanted, index) => {
    const before = current[index]!
    if (Equal.equals(before.value, wanted.value)) return wanted
    changed.push(wanted.key)
    if (findSetting(wanted.key)?.applies !== "after a restart") return wanted
    needRestart.push(wanted.key)
    return before
  })
  return { effective, changed, needRestart }
}

const checked = (overrides: SettingsOverrides): ReadonlyMap<string, EffectiveSetting["value"]> =>
  new Map(Object.entries(overrides).flatMap(([group, members]) => checkedGroup(group, members ?? {})))

const checkedGroup = (group: string, members: object): ReadonlyArray<readonly [string, EffectiveSetting["value"]]> =>
  Object.entries(members).flatMap(([name, value]) => {
    const key = `${group}.${name}`
    if (isSettingGroup(key)) return checkedGroup(key, value as object)
    const setting = findSetting(key)
    if (setting === undefined) throw new Error(`${key} ${unknownKey(key)}`)
    const decoded = setting.decode(value)
    if (Option.isNone(decoded)) throw new Error(`${key} ${wrongValue(setting, value)}`)
    return [[key, decoded.value] as const]
  })
