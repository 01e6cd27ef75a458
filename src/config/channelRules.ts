/** How much of which channels is kept, as people write it in the configuration. */
import { Schema } from "effect"
import { ChannelPattern } from "../protocol/channelNames.ts"
import { parseDuration, parseSize } from "./quantities.ts"

const written = (parse: (text: string) => number | undefined, expected: string) =>
  Schema.String.check(Schema.makeFilter((text) => (parse(text) === undefined ? expected : undefined)))

/** One rule in `config.json`; what it does not say is as for all other channels. */
export const ChannelRule = Schema.Struct({
  keep: Schema.optionalKey(Schema.Literals(["memory", "disk"])),
  events: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
  size: Schema.optionalKey(written(parseSize, 'a size such as "512K" or "64M"')),
  age: Schema.optionalKey(written(parseDuration, 'a duration such as "10m" or "7d"'))
})
export type ChannelRule = typeof ChannelRule.Type

/** Rules by pattern. */
export const ChannelRules = Schema.Record(ChannelPattern, ChannelRule)

/** A rule in the units of the service. */
export const boundsOf = ({ age, events, keep, size }: ChannelRule) => ({
  ...(keep === undefined ? {} : { keep }),
  ...(events === undefined ? {} : { events }),
  ...(size === undefined ? {} : { bytes: parseSize(size) ?? 0 }),
  ...(age === undefined ? {} : { ageMillis: parseDuration(age) ?? 0 })
})
