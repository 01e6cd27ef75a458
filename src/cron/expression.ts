/** Cron expressions as people write them: five fields, or six with the seconds first, or a name such as `@daily`. */
import { Cron, Result } from "effect"
import { bitsOf, type Fields, isPossible, maskOf } from "./fields.ts"
import { refusalOf } from "./refusal.ts"

export const MAX_EXPRESSION_BYTES = 256

/** An expression that has been understood. */
export interface Expression {
  /** As it was written, with one space between its fields. */
  readonly text: string
  readonly fields: Fields
  /** Neither its minute nor its hour begins with `*`: see slots.ts. */
  readonly isFixed: boolean
}

const nicknames: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *"
}

/** Many jobs have the same few: those of every minute of a day, say. */
const REMEMBERED = 4096
const known = new Map<string, Expression>()

/** What an expression means, or a sentence that says what is wrong with it, with the very character where it can. */
export const parseExpression = (text: string): Result.Result<Expression, string> => {
  const before = known.get(text)
  if (before !== undefined) return Result.succeed(before)
  const parsed = parse(text)
  if (Result.isSuccess(parsed)) {
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
    known.set(text, parsed.success)
  }
  return parsed
}

const parse = (written: string): Result.Result<Expression, string> => {
  const bytes = written.length > MAX_EXPRESSION_BYTES ? written.length : Buffer.byteLength(written)
  if (bytes > MAX_EXPRESSION_BYTES) {
    return Result.fail(`It is ${bytes} bytes long, and ${MAX_EXPRESSION_BYTES} is the limit.`)
  }
  const text = written.trim().split(/\s+/).join(" ")
  if (text.startsWith("@")) return nickname(text)
  const fields = text === "" ? [] : text.split(" ")
  const refusal = refusalOf(fields)
  if (refusal !== undefined) return Result.fail(refusal)
  const normal = fields.map((field, at) => (at === fields.length - 1 ? sundayLast(field) : field))
  const cron = Cron.parse(normal.join(" "))
  if (Result.isFailure(cron)) return Result.fail(`${cron.failure.message}.`)
  const compiled = compile(cron.success, normal)
  if (!isPossible(compiled)) {
    const [days, months] = normal.slice(-3)
    return Result.fail(`It would never run: no month of "${months}" has a day "${days}".`)
  }
  const [minute, hour] = normal.slice(-5)
  const isFixed = !minute!.startsWith("*") && !hour!.startsWith("*")
  return Result.succeed({ text, fields: compiled, isFixed })
}

const nickname = (text: string): Result.Result<Expression, string> => {
  const fields = Object.hasOwn(nicknames, text.toLowerCase()) ? nicknames[text.toLowerCase()] : undefined
  if (fields !== undefined) return Result.map(parse(fields), (expression) => ({ ...expression, text }))
  const names = Object.keys(nicknames).join(", ")
  return Result.fail(`${JSON.stringify(text.slice(0, 32))} is no name of a schedule. There are ${names}.`)
}

/** A week may end with Sunday: `fri-sun` is `5-7`. */
const sundayLast = (field: string): string =>
  field
    .split(",")
    .map((piece) => {
      const [, from, rest] = /^(.*)-(?:sun|0)(\/.*)?$/i.exec(piece) ?? []
      return from === undefined || /^(?:sun|0)$/i.test(from) ? piece : `${from}-7${rest ?? ""}`
    })
    .join(",")

const all = (values: ReadonlySet<number>, from: number, to: number): Iterable<number> =>
  values.size > 0 ? values : Array.from({ length: to - from + 1 }, (_, index) => from + index)

const compile = (
  { days, hours, minutes, months, seconds, weekdays }: Cron.Cron,
  fields: ReadonlyArray<string>
): Fields => {
  const [dayField, , weekdayField] = fields.slice(-3)
  const restricted = days.size > 0 && weekdays.size > 0
  return {
    seconds: bitsOf(all(seconds, 0, 59)),
    minutes: bitsOf(all(minutes, 0, 59)),
    hours: maskOf(all(hours, 0, 23)),
    days: days.size === 0 ? null : maskOf(days),
    months: maskOf(all(months, 1, 12)),
    weekdays: weekdays.size === 0 ? null : maskOf(weekdays),
    and: restricted && (dayField!.startsWith("*") || weekdayField!.startsWith("*"))
  }
}
