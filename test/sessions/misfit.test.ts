import { assert, describe, it } from "vitest"
import { HOST_PROTOCOL_VERSION, OLDEST_HOST_PROTOCOL_VERSION } from "../../src/protocol/sessionHost.ts"
import { misfitOf, missingIn } from "../../src/sessions/HostLink.ts"

const hello = {
  protocol: HOST_PROTOCOL_VERSION,
  pid: 7,
  startedAt: "2026-01-01T00:00:00.000Z",
  ptyUnavailable: null,
  sessions: []
}

describe("a session-host whose protocol this daemon does not speak", () => {
  it("is one that has left ours behind, or that ours has; the sentence says what to install", () => {
    assert.isNull(misfitOf(hello))
    assert.isNull(misfitOf({ ...hello, protocol: OLDEST_HOST_PROTOCOL_VERSION }))
    assert.isNull(misfitOf({ ...hello, protocol: 99, oldestProtocol: HOST_PROTOCOL_VERSION }))
    const newer = misfitOf({ ...hello, protocol: 99, oldestProtocol: HOST_PROTOCOL_VERSION + 1, version: "9.0.0" })
    assert.match(newer!, /session-host 7 \(hob 9\.0\.0\) speaks protocol 3 to 99.*Its sessions run on.*or a newer one/)
    const older = misfitOf({ ...hello, protocol: OLDEST_HOST_PROTOCOL_VERSION - 1, oldestProtocol: 0 })
    assert.match(older!, /an older hob.*between the two/)
  })
})

describe("a session-host that is older than what it is asked", () => {
  it("is not asked, and it is said when it goes", () => {
    const old = { protocol: 1 }
    for (const op of ["screens", "set", "answer", "upgrade"] as const) {
      assert.match(missingIn(old, op)!, /an older hob.*goes with its last session/)
      assert.isNull(missingIn({ protocol: 2, features: ["set", "upgrade"] }, op))
    }
    for (const op of ["spawn", "list", "send", "kill", "grant", "resize", "stop"] as const)
      assert.isNull(missingIn(old, op))
  })
})
