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
  isSettingGroup,
  settingGroups,
  type SettingKey,
  settingKeys,
  unknownKey,
  wrongMembers,
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
  const { mistakes, ...loaded } = yield* inspectConfig(sources)
  if (mistakes[0] !== undefined) return yield* mistakes[0]
  return loaded
})

/** The same with every mistake there is, in that order; what is wrong counts as not set. For those who look for mistakes. */
export const inspectConfig = Effect.fnUntraced(function* (sources: ConfigSources) {
  const flags = readFlags(sources.flags)
  const environment = readEnvironment(sources.env)
  const file = yield* readConfigFile(sources.paths.config).pipe(
    Effect.map((text) => (text === null ? nothing : readMembers(sources.paths.config, text))),
    Effect.catch((mistake) => Effect.succeed({ ...nothing, mistakes: [mistake] }))
  )
  return {
    ...assemble([
      ["flag", flags.values],
      ["environment", environment.values],
      ["file", file.values]
    ]),
    warnings: environment.warnings,
    mistakes: [...flags.mistakes, ...environment.mistakes, ...file.mistakes]
  }
})

/** What one source says, as far as it makes sense, and where it doesn't. */
interface Read {
  readonly values: Values
  readonly mistakes: ReadonlyArray<ConfigInvalid>
}

const nothing: Read = { values: new Map(), mistakes: [] }

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

interface Nested {
  [name: string]: Nested | Schema.Json
}

/** Every value has been decoded by its setting's schema, so together they are {@link Settings}. */
export const nest = (effective: ReadonlyArray<EffectiveSetting>): Settings => {
  const groups: Nested = {}
  for (const { key, value } of effective) {
    const path = key.split(".")
    const name = path.pop()!
    let group = groups
    for (const part of path) group = (group[part] ??= {}) as Nested
    group[name] = value
  }
  return groups as unknown as Settings
}

const readFlags = (flags: ReadonlyArray<string>): Read => {
  const values = new Map<string, Schema.Json>()
  const mistakes: Array<ConfigInvalid> = []
  for (const flag of flags) {
    const equals = flag.indexOf("=")
    const key = equals < 0 ? flag : flag.slice(0, equals)
    const text = flag.slice(equals + 1)
    const invalid = (expected: string) => void mistakes.push(new ConfigInvalid({ source: "flag", key, expected }))
    const setting = findSetting(key)
    const value = setting === undefined || equals < 0 ? Option.none() : decodeText(setting, text)
    if (setting === undefined) invalid(unknownKey(key))
    else if (equals < 0) invalid(`needs a value: -c ${key}=${JSON.stringify(setting.default)}`)
    else if (Option.isNone(value)) invalid(wrongValue(setting, text))
    else values.set(key, value.value)
  }
  return { values, mistakes }
}

/** An empty variable is one that is not set. */
const readEnvironment = (env: ConfigSources["env"]): Read & { readonly warnings: ReadonlyArray<string> } => {
  const values = new Map<string, Schema.Json>()
  const mistakes: Array<ConfigInvalid> = []
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
      mistakes.push(new ConfigInvalid({ source: "environment", key: setting.key, expected }))
    } else values.set(setting.key, value.value)
  }
  return { values, mistakes, warnings }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const readMembers = (source: string, text: JsonText): Read => {
  const values = new Map<string, Schema.Json>()
  const mistakes: Array<ConfigInvalid> = []
  /** That of the member, or of what it should be in. */
  const lineOf = (key: string): number | undefined => {
    for (let path = key; ; path = path.slice(0, path.lastIndexOf("."))) {
      const place = text.places.get(path)
      if (place !== undefined || !path.includes(".")) return place?.line
    }
  }
  const invalid = (key: string, expected: string): void => {
    const line = lineOf(key)
    const where = line === undefined ? expected : `${expected} (line ${line})`
    mistakes.push(new ConfigInvalid({ source, key, expected: where }))
  }
  if (!isObject(text.value)) {
    invalid("", "must hold one JSON object, such as {}")
    return { values, mistakes }
  }
  const readGroup = (group: string, members: unknown): void => {
    if (!isObject(members)) return invalid(group, "must be an object with settings of this group")
    for (const [name, value] of Object.entries(members)) {
      const key = `${group}.${name}`
      const setting = findSetting(key)
      const decoded = setting === undefined ? Option.none() : setting.decode(value)
      if (setting === undefined && isSettingGroup(key)) readGroup(key, value)
      else if (setting === undefined) invalid(key, unknownKey(key))
      else if (Option.isNone(decoded)) invalid(key, wrongValue(setting, value))
      else values.set(key, decoded.value)
    }
  }
  // A group that is one setting, with members of any name: each is looked at alone, to say which one is wrong.
  const readWhole = (setting: SettingKey, members: unknown): void => {
    const { key } = setting
    if (!isObject(members)) return invalid(key, wrongValue(setting, members))
    const good = Object.entries(members).flatMap(([name, value]) => {
      const decoded = setting.decode({ [name]: value })
      for (const wrong of wrongMembers(setting, name, value)) invalid(wrong.key, wrong.problem)
      return Option.isNone(decoded) ? [] : Object.entries(decoded.value as object)
    })
    values.set(key, Object.fromEntries(good))
  }
  for (const [group, members] of Object.entries(text.value)) {
    if (group === "$schema") continue
    if (!settingGroups.includes(group)) {
      const [outer, inner] = group.split(".")
      const isWhole = findSetting(group) !== undefined && group.split(".").length === 2
      invalid(group, isWhole ? `is written {"${outer}": {"${inner}": …}} in a file` : unknownGroup(group))
      continue
    }
    const whole = findSetting(group)
    if (whole === undefined) readGroup(group, members)
    else readWhole(whole, members)
  }
  return { values, mistakes }
}

const unknownGroup = (name: string): string => {
  const inGroup = settingKeys.find(({ key }) => key.endsWith(`.${name}`))
  const hint = inGroup === undefined ? didYouMean(name, settingGroups) : `; did you mean "${inGroup.key}"?`
  return `is not a group of settings${hint}`
}
