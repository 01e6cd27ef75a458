import { Effect, Option, type Schema } from "effect"
import { ConfigInvalid, type EffectiveSetting } from "../protocol/daemon.ts"
import { readConfigFile } from "./configFile.ts"
import type { JsonText } from "./jsonText.ts"
import type { Paths } from "./paths.ts"
import {
  decodeText,
  didYouMean,
  findSetting,
  findSettingByVariable,
  settingGroups,
  settingKeys,
  unknownKey,
  wrongValue
} from "./settingKeys.ts"
import type { Settings } from "./settings.ts"
import { reservedVariables } from "./variables.ts"

/** Where settings come from, beside their defaults. */
export interface ConfigSources {
  readonly paths: Pick<Paths, "config">
  readonly env: Readonly<Record<string, string | undefined>>
  /** `key=value`, as `-c` takes them; of two with the same key the later one holds. */
  readonly flags: ReadonlyArray<string>
}

/** What {@link loadConfig} found. */
export interface LoadedConfig {
  /** The values in force. */
  readonly settings: Settings
  /** The same, key by key, each with where it came from; in the order of the schema. */
  readonly effective: ReadonlyArray<EffectiveSetting>
  /** What looks like a mistake and stops nobody: variables `HOB_…` that mean nothing. */
  readonly warnings: ReadonlyArray<string>
}

type Values = ReadonlyMap<string, Schema.Json>

/** Flags before environment before `config.json` before defaults. The first mistake, in this order, fails it. */
export const loadConfig = Effect.fn("loadConfig")(function* (sources: ConfigSources) {
  const flags = yield* readFlags(sources.flags)
  const environment = yield* readEnvironment(sources.env)
  const text = yield* readConfigFile(sources.paths.config)
  const file = text === null ? new Map() : yield* readMembers(sources.paths.config, text)
  return {
    ...assemble([
      ["flag", flags],
      ["environment", environment.values],
      ["file", file]
    ]),
    warnings: environment.warnings
  }
})

/** For each setting the first source that has it, else its default. */
export const assemble = (
  sources: ReadonlyArray<readonly [EffectiveSetting["source"], Values]>
): Pick<LoadedConfig, "settings" | "effective"> => {
  const effective = settingKeys.map(({ default: byDefault, key }): EffectiveSetting => {
    for (const [source, values] of sources) {
      const value = values.get(key)
      if (value !== undefined) return { key, value, source }
    }
    return { key, value: byDefault, source: "default" }
  })
  return { effective, settings: nest(effective) }
}

/** Every value has been decoded by its setting's schema, so together they are {@link Settings}. */
export const nest = (effective: ReadonlyArray<EffectiveSetting>): Settings => {
  const groups: Record<string, Record<string, Schema.Json>> = {}
  for (const { key, value } of effective) {
    const [group, name] = key.split(".") as [string, string]
    ;(groups[group] ??= {})[name] = value
  }
  return groups as unknown as Settings
}

const readFlags = Effect.fnUntraced(function* (flags: ReadonlyArray<string>) {
  const values = new Map<string, Schema.Json>()
  for (const flag of flags) {
    const equals = flag.indexOf("=")
    const key = equals < 0 ? flag : flag.slice(0, equals)
    const invalid = (expected: string) => new ConfigInvalid({ source: "flag", key, expected })
    const setting = findSetting(key)
    if (setting === undefined) return yield* invalid(unknownKey(key))
    if (equals < 0) return yield* invalid(`needs a value: -c ${key}=${JSON.stringify(setting.default)}`)
    const text = flag.slice(equals + 1)
    const value = decodeText(setting, text)
    if (Option.isNone(value)) return yield* invalid(wrongValue(setting, text))
    values.set(key, value.value)
  }
  return values
})

/** An empty variable is one that is not set. */
const readEnvironment = Effect.fnUntraced(function* (env: ConfigSources["env"]) {
  const values = new Map<string, Schema.Json>()
  const warnings: Array<string> = []
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith("HOB_") || text === undefined || text === "" || Object.hasOwn(reservedVariables, name))
      continue
    const setting = findSettingByVariable(name)
    if (setting === undefined) {
      const known = [...settingKeys.map(({ variable }) => variable), ...Object.keys(reservedVariables)]
      warnings.push(`the variable ${name} means nothing to hob${didYouMean(name, known)}`)
      continue
    }
    const value = decodeText(setting, text)
    if (Option.isNone(value)) {
      const expected = `${wrongValue(setting, text)} (${name})`
      return yield* new ConfigInvalid({ source: "environment", key: setting.key, expected })
    }
    values.set(setting.key, value.value)
  }
  return { values, warnings }
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const readMembers = Effect.fnUntraced(function* (source: string, text: JsonText) {
  const invalid = (key: string, expected: string) => {
    const line = text.places.get(key)?.line
    return new ConfigInvalid({ source, key, expected: line === undefined ? expected : `${expected} (line ${line})` })
  }
  if (!isObject(text.value)) return yield* invalid("", "must hold one JSON object, such as {}")
  const values = new Map<string, Schema.Json>()
  for (const [group, members] of Object.entries(text.value)) {
    if (group === "$schema") continue
    if (!settingGroups.includes(group)) {
      const whole = findSetting(group)
      if (whole === undefined) return yield* invalid(group, unknownGroup(group))
      const [outer, inner] = group.split(".")
      return yield* invalid(group, `is written {"${outer}": {"${inner}": …}} in a file`)
    }
    if (!isObject(members)) return yield* invalid(group, "must be an object with settings of this group")
    for (const [name, value] of Object.entries(members)) {
      const key = `${group}.${name}`
      const setting = findSetting(key)
      if (setting === undefined) return yield* invalid(key, unknownKey(key))
      const decoded = setting.decode(value)
      if (Option.isNone(decoded)) return yield* invalid(key, wrongValue(setting, value))
      values.set(key, decoded.value)
    }
  }
  return values
})

const unknownGroup = (name: string): string => {
  const inGroup = settingKeys.find(({ key }) => key.endsWith(`.${name}`))
  const hint = inGroup === undefined ? didYouMean(name, settingGroups) : `; did you mean "${inGroup.key}"?`
  return `is not a group of settings${hint}`
}
