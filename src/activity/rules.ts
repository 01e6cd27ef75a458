import type { ActivityReason, ActivityState } from "../protocol/activity.ts"
import type { Condition, Manifest } from "./manifest.ts"
import type { Region, Regions } from "./ScreenView.ts"

interface CompiledCondition {
  readonly in: Region
  readonly match: RegExp | null
  readonly not: RegExp | null
}

interface CompiledRule {
  readonly rule: string
  readonly state: ActivityState
  readonly when: ReadonlyArray<CompiledCondition>
}

/** A manifest with its patterns compiled. */
export interface Agent {
  readonly name: string
  readonly kind: Manifest["kind"]
  readonly commands: ReadonlyArray<RegExp>
  readonly unattended: ReadonlyArray<RegExp>
  readonly titles: ReadonlyArray<RegExp>
  readonly screens: ReadonlyArray<RegExp>
  readonly programStatus: ReadonlyArray<RegExp>
  readonly rules: ReadonlyArray<CompiledRule>
  readonly hooks: ReadonlyMap<string, ActivityState>
}

/** What somebody or something says about the state, and why. */
export interface Verdict extends ActivityReason {
  readonly state: ActivityState
}

const compile = (pattern: string): RegExp => new RegExp(pattern, "mu")
const compileAll = (patterns: ReadonlyArray<string> = []): ReadonlyArray<RegExp> => patterns.map(compile)

const compileCondition = (condition: Condition): CompiledCondition => ({
  in: condition.in as Region,
  match: condition.match === undefined ? null : compile(condition.match),
  not: condition.not === undefined ? null : compile(condition.not)
})

/** Compiles a manifest whose patterns are known to be regular expressions: decoded, or built in. */
export const compileManifest = (manifest: Manifest): Agent => ({
  name: manifest.agent,
  kind: manifest.kind,
  commands: compileAll(manifest.commands),
  unattended: compileAll(manifest.unattended),
  titles: compileAll(manifest.titles),
  screens: compileAll(manifest.screens),
  programStatus: compileAll(manifest.programStatus),
  rules: manifest.rules.map(({ rule, state, when }) => ({ rule, state, when: when.map(compileCondition) })),
  hooks: new Map(Object.entries(manifest.hooks ?? {}))
})

const maxDetail = 200

/** The lines that a match is on, so that somebody can find them on the screen. */
const linesOf = (all: string, start: number, length: number): string => {
  const from = all.lastIndexOf("\n", start - 1) + 1
  const to = all.indexOf("\n", start + length)
  const lines = all
    .slice(from, to < 0 ? undefined : to)
    .split("\n")
    .map((line) => line.trim())
  // Rules drawn across the screen say nothing by their length.
  const text = lines
    .filter(Boolean)
    .join(" ⏎ ")
    .replace(/([^\w\s])\1{5,}/gu, "$1$1$1")
  return text.slice(0, maxDetail)
}

/** What of the screen a rule holds for; null when it doesn't hold. */
const holds = (rule: CompiledRule, regions: Regions): string | null => {
  let detail = ""
  for (const condition of rule.when) {
    const text = regions.text(condition.in)
    if (condition.not?.test(text) === true) return null
    if (condition.match === null) continue
    const found = condition.match.exec(text)
    if (found === null) return null
    if (detail === "") detail = `${condition.in}: ${linesOf(text, found.index, found[0].length)}`
  }
  return detail === "" ? "nothing on the screen speaks against it" : detail
}

/** The first rule of the agent that holds for the screen. */
export const readScreen = (agent: Agent, regions: Regions): Verdict | null => {
  for (const rule of agent.rules) {
    const detail = holds(rule, regions)
    if (detail !== null) return { state: rule.state, rule: `${agent.name}/${rule.rule}`, detail }
  }
  return null
}
