import { Schema } from "effect"
import { type AgentCommand, AgentCommands } from "./agentCommands.ts"
import { type ChannelRule, ChannelRules } from "./channelRules.ts"
import { type MethodCommand, MethodCommands } from "./methodCommands.ts"
import { type TemplateSetting, TemplateSettings } from "./templates.ts"
import { type UpstreamServer, UpstreamServers } from "./upstreamServers.ts"

/** When a changed value is used: by everything at once, by sessions started from now on, or by the next daemon. */
export type Applies = "at once" | "to new sessions" | "after a restart"

declare module "effect/Schema" {
  namespace Annotations {
    interface Annotations {
      /** Of a setting: when a changed value is used. */
      readonly applies?: Applies | undefined
    }
  }
}

interface About<T> {
  readonly default: T
  /** One or two sentences: what it does, what the special values mean. */
  readonly description: string
  readonly applies: Applies
}

/** A setting's schema with all that is known of it: the one place from which errors, `hob config show` and pages are made. */
const setting = <T>(schema: Schema.Codec<T>, expected: string, about: About<T>): Schema.Codec<T> =>
  schema.annotate({ ...about, expected })

/** A whole number of bytes, milliseconds or things, from `minimum` to `maximum`. */
export const whole = (minimum: number, maximum: number, about: About<number>) =>
  setting(
    Schema.Int.check(Schema.isBetween({ minimum, maximum })),
    `a whole number from ${minimum} to ${maximum}`,
    about
  )

/** A duration in milliseconds, up to a year; a timer never sees more than it can hold. */
export const millis = (about: About<number>, minimum = 0) => whole(minimum, 366 * 24 * 3600 * 1000, about)

/** A size in bytes, up to a tebibyte. */
export const bytes = (minimum: number, about: About<number>, maximum = 2 ** 40) => whole(minimum, maximum, about)

export const yesNo = (about: About<boolean>) => setting(Schema.Boolean, "true or false", about)

export const oneOf = <const L extends ReadonlyArray<string>>(literals: L, about: About<L[number]>) =>
  setting(
    Schema.Literals(literals) as Schema.Codec<L[number]>,
    `one of ${literals.map((literal) => `"${literal}"`).join(", ")}`,
    about
  )

/** A text that `pattern` matches; `expected` says in words which. */
export const text = (pattern: RegExp, expected: string, about: About<string>) =>
  setting(Schema.String.check(Schema.isPattern(pattern, { expected })), expected, about)

/** A text that `pattern` matches, or null for what the description says. */
export const textOrNull = (pattern: RegExp, expected: string, about: About<string | null>) =>
  setting(Schema.NullOr(Schema.String.check(Schema.isPattern(pattern, { expected }))), `${expected}, or null`, about)

/** A list of texts that `pattern` matches. */
export const texts = (pattern: RegExp, expected: string, about: About<ReadonlyArray<string>>) =>
  setting(Schema.Array(Schema.String.check(Schema.isPattern(pattern))), expected, about)

const isExpression = (text: string): boolean => {
  try {
    return new RegExp(text, "dgmu") instanceof RegExp && text !== ""
  } catch {
    return false
  }
}

/** A list of regular expressions. */
export const expressions = (about: About<ReadonlyArray<string>>) =>
  setting(
    Schema.Array(Schema.String.check(Schema.makeFilter(isExpression))),
    'a list of regular expressions, such as ["acme_[0-9a-f]{32}"]',
    about
  )

/** A program and its arguments. */
export const command = (about: About<ReadonlyArray<string>>) =>
  setting(
    Schema.Array(Schema.String.check(Schema.isPattern(/^[^\0]*$/u))).check(
      Schema.makeFilter((words) => words.length > 0 && words[0] !== "")
    ),
    'a list: a program and its arguments, such as ["claude", "--verbose"]',
    about
  )

/** Names of environment variables; a `*` at the end stands for any rest. */
export const variables = (about: About<ReadonlyArray<string>>) =>
  setting(
    Schema.Array(Schema.String.check(Schema.isPattern(/^(?:[A-Za-z_][A-Za-z0-9_]*\*?|\*)$/u))),
    'a list of variable names, each possibly ending in "*"',
    about
  )

/** Templates by name. */
export const templates = (about: About<Readonly<Record<string, TemplateSetting>>>) =>
  setting(
    TemplateSettings as unknown as Schema.Codec<Readonly<Record<string, TemplateSetting>>>,
    'templates by name, each with a command, such as {"web": {"command": ["npm", "run", "dev"], "maxMemory": "2G"}}',
    about
  )

/** Methods that are commands, by name. */
export const methodCommands = (about: About<Readonly<Record<string, MethodCommand>>>) =>
  setting(
    MethodCommands as unknown as Schema.Codec<Readonly<Record<string, MethodCommand>>>,
    'commands by name, such as {"disk": {"command": ["df", "-h"], "timeout": "10s"}}',
    about
  )

/** Agents by name. */
export const agentCommands = (about: About<Readonly<Record<string, AgentCommand>>>) =>
  setting(
    AgentCommands as unknown as Schema.Codec<Readonly<Record<string, AgentCommand>>>,
    'agents by name, such as {"mine": {"command": ["my-agent", "--json"], "output": "claude"}}',
    about
  )

/** What is kept of which channels, by pattern. */
export const channelRules = (about: About<Readonly<Record<string, ChannelRule>>>) =>
  setting(
    ChannelRules as unknown as Schema.Codec<Readonly<Record<string, ChannelRule>>>,
    'rules by pattern, such as {"build:**": {"keep": "disk", "events": 10000, "size": "64M", "age": "7d"}}',
    about
  )

/** Upstreams, by name. */
export const upstreamServers = (about: About<Readonly<Record<string, UpstreamServer>>>) =>
  setting(
    UpstreamServers as unknown as Schema.Codec<Readonly<Record<string, UpstreamServer>>>,
    'upstreams by name, each with a uri, such as {"nas": {"uri": "wss://nas.lan/api/current", "user": "ada"}}',
    about
  )
