import { Clock, Effect } from "effect"
import { afterEach, assert, describe, it } from "vitest"
import { countedTurns } from "../support/countedTurns.ts"
import { closeDoors, openDoor } from "./toy.ts"

afterEach(closeDoors)

describe("many requests in one read", () => {
  it("are gone through in more than one turn of the loop, in their order", async () => {
    const { clock, end, pass, turn } = await Effect.runPromise(countedTurns)
    const looks = new Map<number, number>()
    // It is looked at behind each request; let that have taken a millisecond.
    const slow: Clock.Clock = Object.assign(Object.create(clock) as Clock.Clock, {
      monotonicTimeNanosUnsafe: () => {
        pass(1)
        looks.set(turn(), (looks.get(turn()) ?? 0) + 1)
        return clock.monotonicTimeNanosUnsafe()
      }
    })
    const client = await (await openDoor({}, slow)).connect()
    const request = (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"toy.echo","params":{"text":"${id}"}}\n`
    client.send(Array.from({ length: 200 }, (_, id) => request(id)).join(""))
    for (let id = 0; id < 200; id++) assert.deepInclude(await client.reply(), { id, result: `${id}` })
    end()
    assert.isAtLeast(looks.size, 20)
    assert.isAtMost(Math.max(...looks.values()), 20)
    client.close()
  })
})
