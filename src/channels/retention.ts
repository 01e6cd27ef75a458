/** How much of a channel is kept: the first rule whose pattern matches its name. */
import { covers, isName, matches, overlap } from "./patterns.ts"

/** What is kept of one channel: the newest events within all three bounds. */
export interface Retention {
  readonly keep: "memory" | "disk"
  readonly events: number
  readonly bytes: number
  readonly ageMillis: number
}

export interface Rule extends Retention {
  readonly pattern: string
}

/** The rules in order, and behind them one for everything else. */
export interface Rules {
  readonly rules: ReadonlyArray<Rule>
  readonly otherwise: Retention
}

export const retentionOf = ({ otherwise, rules }: Rules, channel: string): Retention =>
  rules.find(({ pattern }) => matches(pattern, channel)) ?? otherwise

/** Whether every channel that the pattern matches is kept on disk: its events outlive the daemon. */
export const outlives = ({ otherwise, rules }: Rules, pattern: string): boolean => {
  if (isName(pattern)) return retentionOf({ otherwise, rules }, pattern).keep === "disk"
  for (const rule of rules) {
    if (covers(rule.pattern, pattern)) return rule.keep === "disk"
    if (rule.keep === "memory" && overlap(rule.pattern, pattern)) return false
  }
  return otherwise.keep === "disk"
}
