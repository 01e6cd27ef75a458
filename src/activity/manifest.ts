import { Schema } from "effect"
import { ActivityState } from "../protocol/activity.ts"
import { isRegion } from "./ScreenView.ts"

const pattern = Schema.String.check(
  Schema.isBetweenLength(1, 1000),
  Schema.makeFilter((text: string) => {
    try {
      void new RegExp(text, "mu")
      return undefined
    } catch (error) {
      return `not a regular expression (JavaScript's, flags m and u): ${(error as Error).message}`
    }
  })
)

const region = Schema.String.check(
  Schema.makeFilter((text: string) =>
    isRegion(text)
      ? undefined
      : "not a part of the screen: title, screen, cursor, before-cursor, last N or from-cursor N, with N from 1 to 100"
  )
)

/** One thing that has to be so for a rule: `match` is found in that part of the screen, `not` isn't. */
export const Condition = Schema.Struct({
  in: region,
  match: Schema.optionalKey(pattern),
  not: Schema.optionalKey(pattern)
})
export type Condition = typeof Condition.Type

/** When all conditions hold, the agent is about `state`. */
export const Rule = Schema.Struct({
  /** Its name in explanations. */
  rule: Schema.String.check(Schema.isBetweenLength(1, 60)),
  state: ActivityState,
  when: Schema.Array(Condition).check(Schema.isMinLength(1))
})
export type Rule = typeof Rule.Type

/**
 * What is known of one agent, or of one kind of program. Everything in it is data, so that a new version of an agent
 * needs no new version of hob. Patterns are JavaScript's regular expressions with the flags `m` and `u`.
 */
export const Manifest = Schema.Struct({
  /** Its name, as `hob ls` shows it. */
  agent: Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]{0,31}$/)),
  /**
   * - `agent`: has a screen of its own; `rules` say what it is about
   * - `shell`: is idle when it reads, and its programs have the terminal when it isn't
   * - `repl`: questions and answers; `rules` know its prompt
   * - `viewer`: pagers, editors: they wait for their user for as long as they are open
   * - `relay`: shows the screen of something elsewhere, so that processes say nothing
   */
  kind: Schema.Literals(["agent", "shell", "repl", "viewer", "relay"]),
  /** Programs that are it: patterns for the file's name, or for that of the script an interpreter runs. */
  commands: Schema.Array(pattern),
  /** With such an argument it has no screen of its own (`claude -p`), and is a program like any other. */
  unattended: Schema.optionalKey(Schema.Array(pattern)),
  /** How it is recognised where its process can't be seen: its titles, its screen, what it calls itself in OSC 7501. */
  titles: Schema.optionalKey(Schema.Array(pattern)),
  screens: Schema.optionalKey(Schema.Array(pattern)),
  programStatus: Schema.optionalKey(Schema.Array(pattern)),
  /** In order: the first that holds. */
  rules: Schema.Array(Rule),
  /** What its own hooks say: names of events, or `event:detail`. */
  hooks: Schema.optionalKey(Schema.Record(Schema.String, ActivityState))
})
export type Manifest = typeof Manifest.Type

/**
 * `<home>/agents.json`. An agent with the name of a built-in one is added to it, its rules before the built-in ones;
 * with `replace` it takes its place.
 */
export const AgentsFile = Schema.Struct({
  agents: Schema.Array(Schema.Struct({ ...Manifest.fields, replace: Schema.optionalKey(Schema.Boolean) }))
})
export type AgentsFile = typeof AgentsFile.Type
