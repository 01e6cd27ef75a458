import { randomUUID } from "node:crypto"
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import {
  FrameType,
  type HelloReply,
  HOST_PROTOCOL_VERSION,
  type HostReply,
  type HostSession
} from "../../src/protocol/sessionHost.ts"
import { CONTROL_BEHIND_BYTES } from "../../src/sessionhost/ControlConnection.ts"
import { SpawnError } from "../../src/sessionhost/program.ts"
import { encodeFrame, encodeJsonFrame } from "../../src/wire/frames.ts"
import { scriptedPrograms } from "../../src/sessionhost/scriptedProgram.ts"
import { spawnRequest, TestHost } from "./support/host.ts"
import { Client, connected, Control } from "./support/peers.ts"

const startNothing = () => {
  throw new SpawnError("pty-unavailable", "node-pty", "no terminals here")
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe("the control connection", () => {
  it("says who the host is and what it holds", async () => {
    await using host = await TestHost.start()
    const { id } = await host.spawn()
    const hello = await host.control.ask<HelloReply>("hello", { protocol: 7, daemonPid: 1, fromTheFuture: true })
    assert.deepInclude(hello, { protocol: HOST_PROTOCOL_VERSION, pid: process.pid, ptyUnavailable: null })
    assert.deepStrictEqual(
      hello.sessions.map((session) => session.id),
      [id]
    )
  })

  it("refuses what it does not understand, with the request's id, and goes on", async () => {
    await using host = await TestHost.start()
    const { id } = await host.spawn()
    const bad: ReadonlyArray<readonly [string, object]> = [
      ["nonsense", {}],
      ["__proto__", {}],
      ["spawn", {}],
      ["spawn", { ...spawnRequest(randomUUID()), env: ["x"] }],
      ["spawn", { ...spawnRequest("../../etc"), env: {} }],
      ["spawn", spawnRequest(id)],
      ["send", { session: id }],
      ["send", { session: 5, data: "" }],
      ["resize", { session: id, cols: 0, rows: 1 }],
      ["resize", { session: id, cols: 1.5, rows: 1 }],
      ["kill", { session: id, signal: "TERM", graceMillis: -1 }],
      [
        "grant",
        { session: id, ticket: "t", mode: "write", readOnly: false, since: null, tail: null, cols: null, rows: null }
      ]
    ]
    for (const [op, fields] of bad) {
      const { error } = await host.control.request(op, fields)
      assert.strictEqual(error?.code, "bad-request", op)
    }
    const unknown = randomUUID()
    for (const [op, fields] of [
      ["send", { data: "" }],
      ["resize", { cols: 1, rows: 1 }],
      ["kill", { signal: "TERM", graceMillis: 0 }],
      ["remove", {}],
      ["grant", { ticket: "t", mode: "read", readOnly: true, since: null, tail: null, cols: null, rows: null }]
    ] as const) {
      assert.strictEqual(
        (await host.control.request(op, { session: unknown, ...fields })).error?.code,
        "unknown-session",
        op
      )
    }
    assert.strictEqual((await host.control.ask<{ sessions: [] }>("list")).sessions.length, 1)
  })

  it("ends alone when what comes on it is no frame or no request", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    const client = await host.open(id)
    const garbage = [
      Buffer.alloc(5),
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      encodeFrame(FrameType.control, Buffer.from("{not json")),
      encodeFrame(FrameType.control, Buffer.from([0xff, 0xfe])),
      encodeJsonFrame(FrameType.control, { op: "list" }),
      encodeJsonFrame(FrameType.control, [1]),
      encodeJsonFrame(FrameType.control, null),
      encodeFrame(0x77, Buffer.alloc(3)),
      Buffer.concat([
        encodeJsonFrame(FrameType.control, { id: 1, op: "list" }),
        encodeFrame(FrameType.open, Buffer.alloc(1))
      ])
    ]
    for (const bytes of garbage) {
      const control = new Control(await connected(host.paths.hostSocket))
      control.socket.write(bytes)
      await control.whenClosed()
    }
    program.print("x")
    await client.until(() => client.bytes === 1)
    assert.strictEqual((await host.control.ask<{ sessions: [] }>("list")).sessions.length, 1)
  })

  it("takes requests cut at every byte", async () => {
    await using host = await TestHost.start()
    const replies: Array<HostReply> = []
    const control = new Control(await connected(host.paths.hostSocket))
    const bytes = encodeJsonFrame(FrameType.control, { id: 3, op: "hello", protocol: 1, daemonPid: 2 })
    for (let cut = 1; cut < bytes.length; cut++) {
      control.socket.write(bytes.subarray(0, cut))
      await turn()
      control.socket.write(bytes.subarray(cut))
      replies.push(await control.request("list"))
    }
    assert.isTrue(replies.every(({ error }) => error === undefined))
  })

  it("answers with shortened commands when whole ones do not fit into a frame", async () => {
    await using host = await TestHost.start()
    const prompt = "x".repeat(1_500_000)
    for (let each = 0; each < 3; each++) {
      const session = await host.control.ask("spawn", spawnRequest(randomUUID(), {}, ["agent", prompt]))
      assert.strictEqual(session.command[1], prompt)
    }
    const { sessions } = await host.control.ask<{ sessions: ReadonlyArray<HostSession> }>("list")
    assert.strictEqual(sessions.length, 3)
    for (const { command } of sessions) assert.deepStrictEqual(command, ["agent", `${"x".repeat(100)}…`])
  })

  it("may be one of several; each hears every event, and one that is gone changes nothing", async () => {
    await using host = await TestHost.start()
    const other = await Control.open(host.paths.hostSocket)
    const dying = await Control.open(host.paths.hostSocket)
    const { id, program } = await host.spawn()
    const client = await host.open(id)
    dying.socket.destroy()
    program.print("after")
    program.exit({ code: 1 })
    program.close()
    for (const control of [host.control, other]) {
      assert.strictEqual((await control.event("exited", id)).session.exit?.code, 1)
      assert.isNotNull((await control.event("closed", id)).session.closedAt)
    }
    await client.whenClosed()
    assert.strictEqual(client.output.toString(), "after")
  })

  it("is cut off when its daemon does not read, and the host stays small", async () => {
    await using host = await TestHost.start()
    for (let each = 0; each < 20; each++) await host.spawn()
    const deaf = new Control(await connected(host.paths.hostSocket))
    deaf.socket.pause()
    const list = encodeJsonFrame(FrameType.control, { id: 1, op: "list" })
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => list))
    // Its own end is what it can notice: what it writes is refused.
    const cut = new Promise<void>((resolve) => deaf.socket.on("error", () => resolve()))
    const writing = setInterval(() => deaf.socket.writable && deaf.socket.write(many), 1)
    await cut
    clearInterval(writing)
    assert.isTrue(host.said.some((message) => message.includes("does not read")))
    assert.isAbove(CONTROL_BEHIND_BYTES, 1024 * 1024)
    assert.strictEqual((await host.control.ask<{ sessions: [] }>("list")).sessions.length, 20)
  })
})

describe("starting a session", () => {
  it("leaves nothing behind when it fails, and says what was wrong", async () => {
    const scripted = scriptedPrograms()
    await using host = await TestHost.start({
      programs: {
        pty: startNothing,
        pipe: scripted.start,
        preflight: async ([name]) => {
          if (name === "nosuch") throw new SpawnError("command-not-found", "nosuch", "nosuch: not found")
          if (name === "bug") throw new TypeError("a bug in preflight")
          return `/bin/${name}`
        },
        ptyUnavailable: () => "no terminals here"
      }
    })
    const spawn = (command: string, kind: "pty" | "pipe") =>
      host.control.request("spawn", spawnRequest(randomUUID(), { kind }, [command]))
    assert.deepStrictEqual((await spawn("nosuch", "pipe")).error, {
      code: "spawn-failed",
      message: "nosuch: not found",
      spawn: { reason: "command-not-found", subject: "nosuch", detail: "nosuch: not found" }
    })
    assert.strictEqual((await spawn("cat", "pty")).error?.spawn?.reason, "pty-unavailable")
    assert.strictEqual((await spawn("bug", "pipe")).error?.code, "internal")
    if (existsSync(host.paths.sessions)) assert.deepStrictEqual(readdirSync(host.paths.sessions), [])
    assert.strictEqual((await spawn("cat", "pipe")).error, undefined)
    assert.strictEqual(scripted.started[0]!.spec.file, "/bin/cat")
    scripted.started[0]!.end()
  })

  it("says which directory can't be written", async () => {
    if (process.getuid?.() === 0) {
      await using host = await TestHost.start()
      writeFileSync(host.paths.sessions, "a file where the directory should be")
      const { error } = await host.control.request("spawn", spawnRequest(randomUUID()))
      assert.deepInclude(error?.spawn, { reason: "system" })
      assert.include(error?.message, host.paths.sessions)
      return
    }
    await using host = await TestHost.start()
    mkdirSync(host.paths.sessions)
    chmodSync(host.paths.sessions, 0o500)
    const { error } = await host.control.request("spawn", spawnRequest(randomUUID()))
    chmodSync(host.paths.sessions, 0o700)
    assert.deepInclude(error?.spawn, { reason: "system" })
    assert.include(error?.message, host.paths.sessions)
  })
})

describe("removing and stopping", () => {
  it("removes what has ended and nothing that runs", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    assert.strictEqual((await host.control.request("remove", { session: id })).error?.code, "running")
    assert.strictEqual((await host.control.request("stop")).error?.code, "running")
    program.end()
    await host.control.event("closed", id)
    await host.control.ask("remove", { session: id })
    assert.isFalse(existsSync(host.directory(id)))
    assert.strictEqual((await host.control.request("remove", { session: id })).error?.code, "unknown-session")
    const client = new Client(await connected(host.paths.hostSocket), await host.ticket(await ended(host)))
    await client.whenClosed()
    assert.isTrue(client.ended)
  })

  it("removes what was killed a moment ago, while its end is on its way to the disk", async () => {
    await using host = await TestHost.start()
    const killAndRemove = async () => {
      const { id } = await host.spawn()
      await host.control.ask("kill", { session: id, signal: "KILL", graceMillis: 0 })
      await host.control.ask("remove", { session: id })
      assert.isTrue(host.control.events.some(({ event, session }) => event === "closed" && session.id === id))
      return id
    }
    const ids = await Promise.all(Array.from({ length: 50 }, killAndRemove))
    assert.deepStrictEqual(readdirSync(host.paths.sessions), [])
    assert.strictEqual(new Set(ids).size, 50)
    assert.deepStrictEqual(host.said, [])
    assert.strictEqual(host.running.host.held, 0)
  })

  it("stops when asked and nothing is held: the socket is gone and another host may come", async () => {
    await using host = await TestHost.start()
    await host.control.ask("stop")
    await host.control.whenClosed()
    await using next = await TestHost.start({ paths: host.paths })
    assert.strictEqual(next.running.host.held, 0)
  })

  it("answers for sessions of a host that died: their output is there, and they are not ended but lost", async () => {
    await using dead = await TestHost.start()
    const { id, program } = await dead.spawn()
    for (let line = 0; line < 100; line++) program.print(`line ${line}\n`)
    await turn()
    await dead.running.end()
    await using host = await TestHost.start({ paths: dead.paths })
    assert.deepStrictEqual((await host.control.ask<{ sessions: [] }>("list")).sessions, [])
    for (const mode of ["attach", "follow", "read"] as const) {
      const client = await host.open(id, { mode })
      await client.whenClosed()
      assert.strictEqual(client.output.toString().split("\n").length, 101)
      assert.isTrue(client.ended)
      assert.isNull(client.exited)
      assert.isNull(client.opened!.session.exit)
    }
    assert.strictEqual((await host.control.request("send", { session: id, data: "" })).error?.code, "ended")
  })
})

const ended = async (host: TestHost): Promise<string> => {
  const { id, program } = await host.spawn()
  program.print("some output")
  program.end()
  await host.control.event("closed", id)
  return id
}
