/** Takes secrets out of texts. Pure: no file, no clock, nothing that is kept. */
import { findValues } from "./knownValues.ts"
import { makePreset } from "./presetRules.ts"
import { rules } from "./rules.ts"

/** A text without its secrets, and how many there were. */
export interface Masked {
  readonly text: string
  readonly count: number
}

export interface MaskOptions {
  /** Regular expressions of the user's own: what they match is masked; where they have a group `secret`, that alone. */
  readonly patterns?: ReadonlyArray<string>
}

export type Mask = (text: string, known?: ReadonlyArray<string>) => Masked

interface Span {
  readonly start: number
  readonly end: number
  readonly kind: string
}

const marked = /^[-+](?=[^\s-])/m
const everyMark = /^[-+](?=[^\s-])/gm

/** Words beside which secrets stand. */
const hint = /p(?:ass|wd)|secret|token|key|cred|auth|dsn|cookie|mysql|mariadb|:\/\/|-----/i

const RUN = 16
const inRun = new Uint8Array(128)
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/=.:~-")
  inRun[character.charCodeAt(0)] = 1

/** Whether so many characters of what keys are made of stand in a row. A regular expression takes ten times as long. */
const hasRun = (text: string): boolean => {
  for (let at = 0, length = 0; at < text.length; at++) {
    length = inRun[text.charCodeAt(at)] === 1 ? length + 1 : 0
    if (length === RUN) return true
  }
  return false
}

/** Without any of these there is none: most of what people say need not be looked at more closely. */
const isWorthALook = (text: string): boolean => hint.test(text) || hasRun(text)

/**
 * Makes a mask. `known` are values that are secret wherever they stand. Throws where a pattern is no regular
 * expression. What is masked twice is what is masked once.
 */
export const makeMask = ({ patterns = [] }: MaskOptions = {}): Mask => {
  const preset = makePreset()
  const own = patterns.map((pattern) => ({ kind: "pattern", pattern: new RegExp(pattern, "gdmu") }))
  const look = (spans: Array<Span>, text: string): void => {
    if (isWorthALook(text)) {
      for (const rule of rules) addMatches(spans, text, rule)
      for (const { kind, range, values } of preset(text)) {
        // Some rules tell the range of more than the secret, or of less.
        if (values.length === 0) spans.push({ start: range[0], end: range[1], kind })
        for (const value of values) addAll(spans, text, value, kind)
      }
    }
    for (const rule of own) addMatches(spans, text, rule)
  }
  return (text, known = []) => {
    const spans: Array<Span> = []
    findValues(text, known, (start, end) => spans.push({ start, end, kind: "value" }))
    look(spans, text)
    // A line of a diff, or of a list, is what stands behind its first character: most rules look at what is before a secret.
    if (marked.test(text)) look(spans, text.replaceAll(everyMark, " "))
    return spans.length === 0 ? { text, count: 0 } : replace(text, spans)
  }
}

const addMatches = (
  spans: Array<Span>,
  text: string,
  { isSecret, kind, pattern }: { kind: string; pattern: RegExp; isSecret?: (found: string) => boolean }
): void => {
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (match[0] === "") {
      pattern.lastIndex++
      continue
    }
    const [start, end] = match.indices!.groups?.["secret"] ?? match.indices![0]!
    if (text.startsWith(MASK, start)) continue
    if (isSecret?.(text.slice(start, end)) !== false) spans.push({ start, end, kind })
  }
}

const addAll = (spans: Array<Span>, text: string, value: string, kind: string): void => {
  if (value === "") return
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length)) {
    spans.push({ start: at, end: at + value.length, kind })
  }
}

const MASK = "[masked: "
const MASKED = /^\[masked: [a-z0-9 -]{1,40}\]$/

const replace = (text: string, spans: Array<Span>): Masked => {
  spans.sort((a, b) => a.start - b.start || b.end - a.end)
  let result = ""
  let position = 0
  let count = 0
  for (let index = 0; index < spans.length;) {
    const { kind, start } = spans[index]!
    let { end } = spans[index]!
    // What overlaps is one secret.
    for (index++; index < spans.length && spans[index]!.start < end; index++) end = Math.max(end, spans[index]!.end)
    if (MASKED.test(text.slice(start, end))) continue
    result += `${text.slice(position, start)}[masked: ${kind}]`
    position = end
    count++
  }
  return count === 0 ? { text, count: 0 } : { text: result + text.slice(position), count }
}
