import { Option, Schema } from "effect"
import { nearest } from "./nearest.ts"
import type { Applies } from "./setting.ts"
import { Settings } from "./settings.ts"
import { variableOf } from "./variables.ts"

/** One setting as everybody speaks of it. */
export interface SettingKey {
  /** Such as `sessions.maxCount`, or `dialects.claudeSessions.command`. */
  readonly key: string
  /** Such as `HOB_SESSIONS_MAX_COUNT`. */
  readonly variable: string
  readonly default: Schema.Json
  readonly description: string
  /** What a value must be, in words: follows "must be". */
  readonly expected: string
  readonly applies: Applies
  /** The value, if it is one. */
  readonly decode: (value: unknown) => Option.Option<Schema.Json>
}

type Group = Schema.Struct<Schema.Struct.Fields>

const keysOf = (group: string, schema: Group): ReadonlyArray<SettingKey> =>
  Object.entries(schema.fields).flatMap(([name, field]) => {
    const { applies, default: value, description, expected } = Schema.resolveAnnotations(field) ?? {}
    const key = `${group}.${name}`
    if (description === undefined || expected === undefined || applies === undefined) {
      // A group within a group: what belongs to one of several things of a kind.
      if ("fields" in field) return keysOf(key, field as unknown as Group)
      throw new Error(`the setting ${key} lacks a description`)
    }
    const decode = Schema.decodeUnknownOption(field as Schema.Codec<Schema.Json>)
    return [{ key, variable: variableOf(key), default: value as Schema.Json, description, expected, applies, decode }]
  })

/** Every setting, in the order in which people see them. */
export const settingKeys: ReadonlyArray<SettingKey> = Object.entries(Settings.fields).flatMap(([group, schema]) =>
  keysOf(group, schema as unknown as Group)
)

export const settingGroups: ReadonlyArray<string> = Object.keys(Settings.fields)

/** Whether settings, or groups of them, lie within this key: `dialects`, `dialects.claudeSessions`. */
export const isSettingGroup = (key: string): boolean => settingKeys.some((setting) => setting.key.startsWith(`${key}.`))

const byKey = new Map(settingKeys.map((setting) => [setting.key, setting]))
const byVariable = new Map(settingKeys.map((setting) => [setting.variable, setting]))

export const findSetting = (key: string): SettingKey | undefined => byKey.get(key)
export const findSettingByVariable = (variable: string): SettingKey | undefined => byVariable.get(variable)

/** Ends the sentence that a name is not known. */
export const didYouMean = (name: string, candidates: Iterable<string>): string => {
  const likely = nearest(name, candidates)
  return likely === undefined ? "; `hob config show` lists all settings" : `; did you mean "${likely}"?`
}

export const unknownKey = (key: string): string => `is not a setting${didYouMean(key, byKey.keys())}`

/** A value as an error shows it: short, and on one line. */
const shown = (value: unknown): string => {
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 60 ? `${json.slice(0, 57)}...` : json
}

export const wrongValue = (setting: SettingKey, value: unknown): string =>
  `must be ${setting.expected}, and is ${shown(value)}`

/**
 * A value from a flag or a variable, where everything is text: JSON if that makes a value of this setting, else the
 * text itself, else the text as a list with commas.
 */
export const decodeText = (setting: SettingKey, text: string): Option.Option<Schema.Json> =>
  Option.firstSomeOf([
    Option.flatMap(parseJson(text), setting.decode),
    setting.decode(text),
    setting.decode(text === "" ? [] : text.split(",").map((part) => part.trim()))
  ])

const parseJson = Option.liftThrowable((text: string): unknown => JSON.parse(text))
