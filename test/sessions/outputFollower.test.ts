import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync } from "node:fs"
import { once } from "node:events"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DataTicket } from "../../src/protocol/sessions.ts"
import { SessionId } from "../../src/protocol/ids.ts"
import { FrameType, type HostSession, type OpenedFrame } from "../../src/protocol/sessionHost.ts"
import { OutputFollower } from "../../src/sessions/output/OutputFollower.ts"
import type { SharedOutput } from "../../src/sessions/output/SharedOutput.ts"
import { encodeJsonFrame } from "../../src/wire/frames.ts"
import { until } from "../support/home.ts"

const session: HostSession = {
  id: SessionId.make("ab000000-0000-4000-8000-000000000000"),
  name: null,
  tags: [],
  command: ["sh"],
  cwd: "/",
  kind: "pipe",
  cols: 80,
  rows: 24,
  createdAt: "2026-01-01T00:00:00.000Z",
  pid: 7,
  exit: null,
  closedAt: null,
  output: { oldest: 0, end: 7 },
  logLostBytes: 0,
  clients: 0
}
const opened: OpenedFrame = { session, offset: 7, liveFrom: 7 }

describe("who follows a session's output", () => {
  it("goes in step with the others only once it knows where it begins itself", async () => {
    const directory = mkdtempSync(join(tmpdir(), "hob-"))
    const path = join(directory, "host.sock")
    let host: Socket | undefined
    const server = createServer((socket) => void (host = socket)).listen(path)
    await once(server, "listening")
    const items: Array<string> = []
    let joined = 0
    // All that others share begins at 0; this one asked for what is behind 7.
    const shared = {
      hasEnded: false,
      covers: () => true,
      pieceAt: () => undefined,
      join: () => void joined++,
      leave: () => {},
      took: () => {}
    } as unknown as SharedOutput
    const follower = new OutputFollower({
      call: {
        clientId: 1,
        text: () => "",
        succeed: () => {},
        reply: () => {},
        fail: () => {},
        push: (item) => void items.push(item.toString()),
        isBlocked: () => false,
        whenWritable: () => {}
      },
      ticket: { path, ticket: "ticket" } as DataTicket,
      shared: () => shared,
      again: () => {},
      closed: () => {}
    })
    follower.tryJoin()
    assert.deepStrictEqual([joined, items], [0, []])
    await until("it has asked", () => host !== undefined)
    host!.write(encodeJsonFrame(FrameType.opened, opened))
    await until("it has joined", () => joined === 1)
    assert.deepStrictEqual(
      items.map((item) => JSON.parse(item)),
      [{ offset: 7, data: "", gap: 0 }]
    )
    assert.strictEqual(follower.cursor, 7)
    follower.giveUp()
    server.close()
    host!.destroy()
    rmSync(directory, { recursive: true })
  })
})
