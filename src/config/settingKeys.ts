import { Option, Result, Schema, SchemaIssue } from "effect"
import { nearest } from "./nearest.ts"
import type { Applies } from "./setting.ts"
import { Settings } from "./settings.ts"
import { TemplateSetting } from "./templates.ts"
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
  /** All that is wrong with a value, each with the path to it. */
  readonly issues: (value: unknown) => ReadonlyArray<{ readonly message: string; readonly path: ReadonlyArray<string> }>
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

type Group = Schema.Struct<Schema.Struct.Fields>

const keysOf = (key: string, field: Schema.Top): ReadonlyArray<SettingKey> => {
  const { applies, default: value, description, expected } = Schema.resolveAnnotations(field) ?? {}
  if (description === undefined || expected === undefined || applies === undefined) {
    // A group, or a group within a group: what belongs to one of several things of a kind.
    if (!("fields" in field)) throw new Error(`the setting ${key} lacks a description`)
    const { fields } = field as unknown as Group
    return Object.entries(fields).flatMap(([name, inner]) => keysOf(`${key}.${name}`, inner as Schema.Top))
  }
  // A key that means nothing is a mistake: it would be a limit that holds nobody.
  const strict = { errors: "all", onExcessProperty: "error" } as const
  const decode = Schema.decodeUnknownOption(field as Schema.Codec<Schema.Json>, strict)
  const result = Schema.decodeUnknownResult(field as Schema.Codec<Schema.Json>, strict)
  const issues = (wrong: unknown) =>
    Result.match(result(wrong), {
      onFailure: (error) =>
        formatIssues(error.issue).issues.map(({ message, path = [] }) => ({ message, path: path.map(String) })),
      onSuccess: () => []
    })
  const about = { description, expected, applies, decode, issues }
  return [{ key, variable: variableOf(key), default: value as Schema.Json, ...about }]
}

/** Every setting, in the order in which people see them. */
export const settingKeys: ReadonlyArray<SettingKey> = Object.entries(Settings.fields).flatMap(([group, schema]) =>
  keysOf(group, schema)
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

/** What is wrong within one member of a setting that has members of any name: where, in dots, and what it must be. */
export const wrongMembers = (
  { issues, key }: SettingKey,
  name: string,
  value: unknown
): ReadonlyArray<{ readonly key: string; readonly problem: string }> =>
  issues({ [name]: value }).map(({ message, path }) => {
    const last = String(path.at(-1))
    return { key: [key, ...path].join("."), problem: inWords(message, path.length === 1, last) }
  })

const EXCESS = "Expected no excess property"

const inWords = (message: string, isName: boolean, word: string): string => {
  if (message === EXCESS && isName)
    return "can't be a name: those have 1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit"
  if (message === EXCESS) {
    const likely = nearest(word, Object.keys(TemplateSetting.fields))
    return `means nothing${likely === undefined ? "" : `; did you mean "${likely}"?`}`
  }
  if (message === "Missing key") return "is missing"
  if (message === "Expected array") return "must be a list"
  return `must be ${message.replace(/^Expected /, "").replace(/\s*\n\s*/g, " ")}`
}

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
