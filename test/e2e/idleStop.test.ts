import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Session } from "../../src/protocol/sessions.ts"
import { type Home, makeHome, until } from "../support/home.ts"

describe("idle-stop", () => {
  let home: Home
  beforeAll(() => {
    home = makeHome()
  })
  afterAll(() => home.destroy())

  it("leaves a session that works to itself, also when the daemon has just been started", async () => {
    const show = (name: string) => home.json<Session>(["show", name])
    // The screens process, which knows what a session is about, takes its time to begin.
    await home.ok(["run", "--detach", "--name", "first", "--", "sleep", "100000"])
    await until("somebody looks", async () => (await show("first")).activity?.state === "working")
    await home.ok(["run", "--detach", "--name", "works", "--idle-stop", "8s", "--", "sleep", "100000"])
    await until("it is known to work", async () => (await show("works")).activity?.state === "working")
    // Due by its quiet alone, were it not for that.
    const due = Date.parse((await show("works")).createdAt) + 9000
    await until("it has been quiet for long", async () => Date.now() > due)
    await home.ok(["restart"])
    await home.ok(["run", "--detach", "--name", "after", "--idle-stop", "1s", "--", "cat"])
    await until("another one is ended for it", async () => (await show("after")).exit?.reason === "idle-stop")
    assert.strictEqual((await show("works")).state, "running")
  }, 120_000)
})
