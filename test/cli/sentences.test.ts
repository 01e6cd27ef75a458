import { assert, describe, it } from "vitest"
import { refusedParameter } from "../../src/cli/report.ts"
import { runningOn } from "../../src/cli/verbs/stop.ts"
import { SessionNotFound } from "../../src/protocol/sessions.ts"

describe("what people read", () => {
  it("a parameter that the daemon refuses is called as it was typed, not as the protocol has it", () => {
    for (const [said, shown] of [
      ["params.session: Expected 1 to 128 characters.", "<session>: must be 1 to 128 characters."],
      ["params.name: Expected 1 to 64 of letters.", "--name: must be 1 to 64 of letters."],
      ["params.graceMillis: Expected an integer.", "--grace: must be an integer."],
      ["params.tags.0: Expected string.", "--tag: must be string."],
      [
        "params.limits.memoryBytes: Expected a value between 1 and 2",
        "--max-memory (in bytes): must be a value between 1 and 2"
      ],
      ["params.limits.cpuPercent: Expected an integer", "--max-cpu (in percent): must be an integer"],
      ["params.limits.processes: Expected an integer", "--max-processes: must be an integer"],
      ["params.limits.ttlMillis: Expected an integer", "--ttl (in milliseconds): must be an integer"],
      ["params.limits.idleStopMillis: Expected an integer", "--idle-stop (in milliseconds): must be an integer"],
      ["params.session: Missing key.", "<session>: Missing key."],
      ["params: Expected object.", "params: Expected object."]
    ] as const) {
      assert.strictEqual(refusedParameter(said), shown)
    }
  })

  it("one session runs on and is found again; two run on and are found again", () => {
    assert.strictEqual(runningOn(0), "")
    assert.strictEqual(
      runningOn(1),
      " 1 session runs on: `hob ls` finds it again, `hob stop --all` would have ended it."
    )
    assert.match(runningOn(2), /^ 2 sessions run on: `hob ls` finds them again, .* ended them\.$/)
  })

  it("who gives one character of an id is told that two are needed", () => {
    assert.include(new SessionNotFound({ session: "a" }).message, "at least 2 characters")
    assert.notInclude(new SessionNotFound({ session: "ab" }).message, "characters")
  })
})
