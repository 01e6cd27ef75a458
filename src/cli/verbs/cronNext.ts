import { Result } from "effect"
import { parseExpression } from "../../cron/expression.ts"
import { nextSlot } from "../../cron/slots.ts"
import { machineZone, zoneOf } from "../../cron/zone.ts"
import { ExitCode, Fault } from "../exit.ts"
import { instantIn } from "../render/cron.ts"
import { printJson, printLine } from "../stdio.ts"

export interface CronNextOptions {
  readonly expression: string
  readonly count: number
  readonly tz: string | null
  readonly json: boolean
}

/** `hob cron next` */
export const cronNext = async ({ count, expression: text, json, tz }: CronNextOptions): Promise<number> => {
  const expression = Result.getOrThrowWith(
    parseExpression(text),
    (reason) => new Fault(ExitCode.usage, `${JSON.stringify(text.slice(0, 256))} says no time. ${reason}`)
  )
  const zone =
    tz === null ? machineZone() : Result.getOrThrowWith(zoneOf(tz), (reason) => new Fault(ExitCode.usage, reason))
  const slots: Array<number> = []
  for (let slot = nextSlot(expression, zone, Date.now()); slot !== undefined && slots.length < count;) {
    slots.push(slot)
    slot = nextSlot(expression, zone, slot)
  }
  if (json) {
    const next = slots.map((slot) => new Date(slot).toISOString())
    printJson({ cron: expression.text, timeZone: zone.name, next })
  } else for (const slot of slots) printLine(instantIn(zone, slot))
  return ExitCode.ok
}
