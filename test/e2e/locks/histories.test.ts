import { writeFileSync, mkdirSync } from "node:fs"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { Door, fight } from "../../locks/fight.ts"
import { check } from "../../locks/linearizable.ts"
import { type Home, makeHome } from "../../support/home.ts"

/** `HOB_LOCK_HISTORIES=2000 vitest run test/e2e/locks` for as many as you like; `HOB_LOCK_SEED` begins elsewhere. */
const HISTORIES = Number(process.env["HOB_LOCK_HISTORIES"] ?? 16)
const SEED = Number(process.env["HOB_LOCK_SEED"] ?? 1)
/** So many run at once, each on locks of its own. */
const AT_ONCE = 8
/** A daemon is killed after so many of them. */
const PER_KILL = 40

let home: Home

beforeEach(async () => {
  home = makeHome()
  mkdirSync(home.paths.home, { mode: 0o700 })
  // Nobody comes back for what was bound to a connection that a kill has cut.
  writeFileSync(home.paths.config, JSON.stringify({ locks: { resumeMillis: 200 } }), { mode: 0o600 })
  await home.ok(["start"])
}, 60_000)
afterEach(() => home.destroy(), 60_000)

const oneByOne = async (door: Door, seeds: Array<number>, done: () => void): Promise<number> => {
  let operations = 0
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
    for (const [lock, seen] of await fight(door, seed)) {
      operations += seen.length
      const problem = check(seen)
      if (problem !== undefined) {
        const all = seen.toSorted((a, b) => a.from - b.from).map((each) => JSON.stringify(each))
        assert.fail(`${lock} (HOB_LOCK_SEED=${seed}) can't have been one lock: ${problem}\nof\n${all.join("\n")}`)
      }
    }
    done()
  }
  return operations
}

describe("locks that 16 clients fight for", () => {
  it("are each one lock, whoever acquires, renews, releases, is killed or sleeps past its lease, and whenever the daemon is killed", async () => {
    const door = new Door(home.paths.socket)
    const seeds = Array.from({ length: HISTORIES }, (_, index) => SEED + index)
    let done = 0
    let kills = 0
    let killing = Promise.resolve()
    const killNow = async () => {
      await home.killDaemon()
      await home.ok(["start"])
      kills++
      door.isUp()
    }
    const operations = await Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        oneByOne(door, seeds, () => {
          if (++done % PER_KILL === 8) killing = killing.then(killNow)
        })
      )
    )
    await killing
    const sum = operations.reduce((a, b) => a + b, 0)
    // Nobody was kept from asking.
    assert.isAbove(sum, HISTORIES * 200)
    assert.isAtLeast(kills, Math.floor(HISTORIES / PER_KILL))
  }, 3_600_000)
})
