import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { afterEach, vi } from "vitest"
import { embedded } from "../support/embedded.ts"

afterEach(() => void vi.useRealTimers())

it.effect("sessions are listed newest first, those too that have begun in the same millisecond", () =>
  Effect.gen(function* () {
    const { connect } = yield* embedded()
    const client = yield* connect
    vi.useFakeTimers({ toFake: ["Date"] })
    for (const name of ["first", "second", "third"]) yield* client["sessions.run"]({ name, command: ["x"] })
    const { sessions } = yield* client["sessions.list"]({})
    assert.lengthOf([...new Set(sessions.map(({ createdAt }) => createdAt))], 1)
    assert.deepStrictEqual(
      sessions.map(({ name }) => name),
      ["third", "second", "first"]
    )
  })
)
