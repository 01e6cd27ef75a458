import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { parseExpression } from "../../src/cron/expression.ts"
import { zoneOf } from "../../src/cron/zone.ts"

const refusal = (text: string): string => {
  const parsed = parseExpression(text)
  return Result.isFailure(parsed) ? parsed.failure : `accepted ${text}`
}

describe("expressions", () => {
  const refused: ReadonlyArray<readonly [string, RegExp]> = [
    ["", /is empty/],
    ["   ", /is empty/],
    ["*", /has 1 field, and needs 5 or 6/],
    ["* * * *", /has 4 fields/],
    ["* * * * * * *", /a year can't be given/],
    ["* * * * * * 2030", /a year can't be given/],
    ["*/60 * * * *", /minute "\*\/60": the step 60 is beyond 59/],
    ["*/0 * * * *", /a step of 0/],
    ["*/-1 * * * *", /step "-1" is not a whole number/],
    ["*/1.5 * * * *", /"\." means nothing/],
    ["60 * * * *", /60 is not between 0 and 59/],
    ["* 24 * * *", /hour "24"/],
    ["* * 0 * *", /day of the month "0": 0 is not between 1 and 31/],
    ["* * * 13 *", /month "13"/],
    ["* * * * 8", /day of the week "8"/],
    ["5- * * * *", /"5-" is not a range/],
    ["5--7 * * * *", /is not a range/],
    ["-5 * * * *", /is not a range/],
    ["1/2/3 * * * *", /two steps/],
    ["1,,2 * * * *", /a value is missing beside a comma/],
    [",1 * * * *", /a value is missing/],
    ["5-2 * * * *", /runs backwards\. Write "5-59,0-2"/],
    ["* 22-2 * * *", /runs backwards\. Write "22-23,0-2"/],
    ["* * * * fri-mon", /runs backwards/],
    ["0x10 * * * *", /"x" means nothing in "0x10"/],
    ["1e1 * * * *", /"e" means nothing/],
    ["+5 * * * *", /"\+" means nothing/],
    ["5abc * * * *", /"a" means nothing in "5abc"/],
    ["٥ * * * *", /"٥" means nothing/],
    ["* * L * *", /"L" means nothing in "L". There is no `last` here/],
    ["* * LW * *", /"L" means nothing/],
    ["* * 15W * *", /"W" means nothing in "15W". There is no `nearest weekday`/],
    ["* * L-3 * *", /"L" means nothing/],
    ["* * * * 5L", /"L" means nothing/],
    ["* * * * friL", /"L" means nothing in "friL"/],
    ["* * * * mon#2", /"#" means nothing in "mon#2"/],
    ["* * * * 5#L", /"#" means nothing/],
    ["? * * * *", /"\?" means nothing in "\?". Write `\*`/],
    ["0 0 ? * MON", /"\?" means nothing/],
    ["H * * * *", /"H" means nothing in "H". Write a number; `--jitter`/],
    ["H/15 * * * *", /"H" means nothing/],
    ["0~30 * * * *", /"~" means nothing/],
    ["0 0 1 * +MON", /"\+" means nothing/],
    ["* * * foo *", /means nothing in "foo"/],
    ["__proto__ * * * *", /"_" means nothing/],
    ["constructor * * * *", /means nothing in "constructor"/],
    ["* * * constructor *", /means nothing in "constructor"/],
    ["TZ=UTC * * * * *", /"=" means nothing.*--tz/],
    ["$(reboot) * * * *", /"\$" means nothing/],
    ["2026-12-01T00:00:00Z", /":" means nothing/],
    ["@reboot", /"@reboot" is no name of a schedule\. There are @yearly/],
    ["@minutely", /no name/],
    ["@constructor", /no name/],
    ["@", /no name/],
    ["0 0 31 2 *", /never run: no month of "2" has a day "31"/],
    ["0 0 30 2 *", /never run/],
    ["0 0 31 4,6,9,11 *", /never run: no month of "4,6,9,11" has a day "31"/],
    ["0 0 30,31 feb *", /never run/],
    ["0 0 30 2 */2", /never run/],
    [`${"*/1,".repeat(20_000)}*`, /is 80001 bytes long, and 256 is the limit/],
    ["1".repeat(100_000), /is 100000 bytes long/],
    [`${"é".repeat(129)}`, /258 bytes/]
  ]
  for (const [text, why] of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))} and says why`, () => assert.match(refusal(text), why))
  }

  const accepted = [
    "* * * * *",
    "* * * * * *",
    "  5   4\t* *\n*  ",
    "\u00a05 4 * * *\u00a0",
    "0/5 * * * *",
    "5/15 * * * *",
    "1,1,1 * * * *",
    "* * * jan/2 *",
    "0 0 * * FRI-SUN",
    "0 0 * * fri-0",
    "0 0 * * 5-7",
    "0 0 * * sun-sun",
    "0 0 * * SUN-tue/2",
    "*,5 * * * *",
    "5,* * * * *",
    "* * */2 * 1",
    "0 12 1 * *,mon",
    "0 0 29 2 *",
    "0 0 31 2 1",
    "0 0 30,1 2 *",
    "0 0 1 JAN,Dec *",
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
    "@DAILY"
  ]
  for (const text of accepted) {
    it(`accepts ${JSON.stringify(text)}`, () => assert.isTrue(Result.isSuccess(parseExpression(text)), refusal(text)))
  }

  it("Sunday at both ends is Sunday alone", () => {
    const days = (text: string) => Result.getOrThrow(parseExpression(text)).fields.weekdays
    assert.strictEqual(days("0 0 * * sun-sun"), 0b1)
    assert.strictEqual(days("0 0 * * 0-0"), 0b1)
    assert.strictEqual(days("0 0 * * sat-sun"), 0b1000001)
    assert.strictEqual(days("0 0 * * 7"), 0b1)
  })

  it("a thousand bad ones together hold nothing up", () => {
    const bad = ["0 0 31 2 *", "0 0 30 2 */2", "*/1,".repeat(20_000), "? * * * *"]
    const began = process.cpuUsage()
    for (let run = 0; run < 1000; run++) assert.isNotEmpty(refusal(`${bad[run % 4]!}${" ".repeat(run % 7)}`))
    const { user } = process.cpuUsage(began)
    // 5 ms each are promised; it is a hundredth of that, and half of it on machines that are slower, or have other things to do.
    assert.isBelow(user / 1000, 2500)
  })
})

describe("time zones", () => {
  for (const name of ["", "local", "Mars/Phobos", "__proto__", "Europe/Berlin; rm", "x".repeat(100_000)]) {
    it(`there is no ${JSON.stringify(name.slice(0, 30))}`, () => {
      const zone = zoneOf(name)
      assert.isTrue(Result.isFailure(zone))
    })
  }

  it("a slip of the pen is seen", () => {
    const zone = zoneOf("Europe/Berln")
    assert.include(Result.isFailure(zone) ? zone.failure : "", 'Did you mean "Europe/Berlin"?')
  })
})
