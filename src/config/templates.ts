/** Templates as people write them in the configuration, and as everybody else speaks of them. */
import { Schema } from "effect"
import { SessionName, Tags } from "../protocol/ids.ts"
import { RestartMax, RestartPolicy } from "../protocol/restart.ts"
import { SessionKind } from "../protocol/sessions.ts"
import type { Template } from "../protocol/templates.ts"
import { parseDuration, parseShare, parseSize } from "./quantities.ts"

const written = (parse: (text: string) => number | undefined, least: number, expected: string) =>
  Schema.String.check(Schema.makeFilter((text) => ((parse(text) ?? -1) >= least ? undefined : expected)))

const duration = written(parseDuration, 1, 'a duration such as "30m" or "2h"')

/** One template in `config.json`. */
export const TemplateSetting = Schema.Struct({
  /** The program and its arguments. */
  command: Schema.Array(Schema.String.check(Schema.isPattern(/^[^\0]*$/u))).check(
    Schema.makeFilter((words) => (words.length > 0 && words[0] !== "" ? undefined : "a program and its arguments"))
  ),
  /** `~` is the home; a relative one is below the caller's. */
  cwd: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1))),
  /** Variables beside those of the caller. */
  env: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  name: Schema.optionalKey(SessionName),
  tags: Schema.optionalKey(Tags),
  kind: Schema.optionalKey(SessionKind),
  maxMemory: Schema.optionalKey(written(parseSize, 1024 * 1024, 'a size such as "512M" or "2G", 1M at least')),
  maxCpu: Schema.optionalKey(written(parseShare, 1, 'a share such as "50%", or processors such as "2"')),
  maxProcesses: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4_194_304 }))),
  ttl: Schema.optionalKey(duration),
  idleStop: Schema.optionalKey(duration),
  restart: Schema.optionalKey(RestartPolicy),
  restartMax: Schema.optionalKey(RestartMax)
})
export type TemplateSetting = typeof TemplateSetting.Type

/** All templates, by name. */
export const TemplateSettings = Schema.Record(SessionName, TemplateSetting)

/** A template in the units of the protocol. */
export const templateOf = (setting: TemplateSetting): Template => {
  const { idleStop, maxCpu, maxMemory, maxProcesses, ttl, ...rest } = setting
  const limits = {
    ...parsed("memoryBytes", maxMemory, parseSize),
    ...parsed("cpuPercent", maxCpu, parseShare),
    ...(maxProcesses === undefined ? {} : { processes: maxProcesses }),
    ...parsed("ttlMillis", ttl, parseDuration),
    ...parsed("idleStopMillis", idleStop, parseDuration)
  }
  return Object.keys(limits).length === 0 ? rest : { ...rest, limits }
}

const parsed = (name: string, text: string | undefined, parse: (text: string) => number | undefined) => {
  const value = text === undefined ? undefined : parse(text)
  return value === undefined ? {} : { [name]: value }
}
