import { afterEach, assert, describe, it, vi } from "vitest"
import { Effect } from "effect"
import { Directory } from "../../src/channels/Directory.ts"
import { channels, publish, Subscriber } from "./support.ts"

afterEach(() => void vi.restoreAllMocks())

describe("a replay", () => {
  for (const keep of ["memory", "disk"] as const) {
    it(`looks through the channels once, however many there are, and is in order (${keep})`, () =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const { channels: service } = yield* channels({ keep })
            const expected: Array<string> = []
            const since = (yield* publish(service, "first", "0")).position
            for (let at = 0; at < 2000; at++) {
              // Channels of one event, and some of many that come between one another.
              const channel = at % 3 === 0 ? `many:${at % 4}` : `one:${at}`
              const { position } = yield* publish(service, channel, `${at}`)
              expected.push(`${position} ${channel} ${at}`)
            }
            yield* Effect.yieldNow
            const matching = vi.spyOn(Directory.prototype, "matching")
            const subscriber = new Subscriber().subscribe(service, ["**"], { since })
            assert.deepStrictEqual(subscriber.heard, expected)
            assert.deepStrictEqual(subscriber.gaps, [])
            // For what is missing, and for what is there.
            assert.isAtMost(matching.mock.calls.length, 2)
          })
        )
      ))
  }
})
