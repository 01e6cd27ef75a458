/** The stand-in server itself, driven by a bare socket.io client: it is what the other tests believe. */
import { io, type Socket } from "socket.io-client"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import { until } from "../support/home.ts"
import { HappyServer } from "../support/happyServer/HappyServer.ts"
import { Phone, post } from "../support/happyServer/Phone.ts"

const sockets: Array<Socket> = []

const connect = (url: string, auth: Readonly<Record<string, unknown>>) =>
  new Promise<Socket>((connected, failed) => {
    const socket = io(url, {
      path: "/v1/updates",
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      auth
    })
    sockets.push(socket)
    socket.once("connect", () => connected(socket))
    socket.once("connect_error", failed)
  })

const next = (socket: Socket, event: string) => new Promise<any>((heard) => socket.once(event, heard))

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
})

describe("the stand-in server", () => {
  let server: HappyServer
  let phone: Phone
  /** One that waits for longer than anything takes, and a device there. */
  let patient: HappyServer
  let patiently: Phone
  let lastId = 0
  const asMachine = (machineId: string, to = { server, phone }) =>
    connect(to.server.url, { token: to.phone.token, clientType: "machine-scoped", machineId })
  const register = async (id = `machine-${++lastId}`) => {
    const posted = { id, metadata: "m1", daemonState: "s1" }
    return { id, ...(await post(server.url, "/v1/machines", posted, phone.token)) }
  }

  beforeAll(async () => {
    server = await HappyServer.start({ graceMillis: 300, timeoutMillis: 300, missedMillis: 50 })
    phone = await Phone.login(server.url)
    patient = await HappyServer.start({ graceMillis: 100_000, timeoutMillis: 100_000 })
    patiently = await Phone.login(patient.url)
  })
  afterAll(async () => {
    for (const each of [phone, patiently]) each.close()
    for (const each of [server, patient]) await each.stop()
  })

  it("gives a token for a signed challenge, and none for a wrong one", async () => {
    const wrong = { publicKey: "A".repeat(43) + "=", challenge: "AA==", signature: "A".repeat(86) + "==" }
    assert.deepStrictEqual(await post(server.url, "/v1/auth", wrong), {
      status: 401,
      body: { error: "Invalid signature" }
    })
    assert.isString(phone.token)
  })

  it("refuses a handshake in the four known ways", async () => {
    const reasonOf = async (auth: Readonly<Record<string, unknown>>) => {
      const error = await connect(server.url, auth).then(
        () => undefined,
        (error: Error) => error
      )
      return error?.message
    }
    const { token } = phone
    assert.strictEqual(await reasonOf({}), "Missing authentication token")
    assert.strictEqual(await reasonOf({ token: "no" }), "Invalid authentication token")
    const session = "Session ID required for session-scoped clients"
    assert.strictEqual(await reasonOf({ token, clientType: "session-scoped" }), session)
    const machine = "Machine ID required for machine-scoped clients"
    assert.strictEqual(await reasonOf({ token, clientType: "machine-scoped" }), machine)
  })

  it("keeps a machine's row as it is when it is posted again", async () => {
    const { body, id } = await register()
    const machine = (body as { readonly machine: Record<string, unknown> }).machine
    assert.deepStrictEqual(Object.keys(machine), [
      "id",
      "metadata",
      "metadataVersion",
      "daemonState",
      "daemonStateVersion",
      "dataEncryptionKey",
      "active",
      "activeAt",
      "createdAt",
      "updatedAt"
    ])
    assert.include(machine, { metadataVersion: 1, daemonStateVersion: 1, active: false, dataEncryptionKey: null })
    const again = await post(server.url, "/v1/machines", { id, metadata: "m2", daemonState: "s2" }, phone.token)
    assert.deepStrictEqual(again.body, body)
    const bare = await post(server.url, "/v1/machines", { id: `machine-${++lastId}`, metadata: "m" }, phone.token)
    assert.include((bare.body as any).machine, { daemonState: null, daemonStateVersion: 0 })
    const wrong = await post(server.url, "/v1/machines", { id }, phone.token)
    assert.strictEqual(wrong.status, 400)
    assert.strictEqual((await post(server.url, "/v1/machines", { id, metadata: "m" })).status, 401)
    const stranger = await Phone.login(server.url)
    assert.strictEqual((await post(server.url, "/v1/machines", { id, metadata: "m" }, stranger.token)).status, 500)
  })

  it("compares and sets versions, in four shapes, and tells the sender too", async () => {
    const { id } = await register()
    const socket = await asMachine(id)
    const echoed = next(socket, "update")
    const write = (value: object) => socket.emitWithAck("machine-update-state", { machineId: id, ...value })
    assert.deepStrictEqual(await write({ daemonState: "s2", expectedVersion: 1 }), {
      result: "success",
      version: 2,
      daemonState: "s2"
    })
    assert.deepStrictEqual((await echoed).body, {
      t: "update-machine",
      machineId: id,
      daemonState: { value: "s2", version: 2 }
    })
    assert.deepStrictEqual(await write({ daemonState: "s3", expectedVersion: 1 }), {
      result: "version-mismatch",
      version: 2,
      daemonState: "s2"
    })
    assert.deepStrictEqual(await write({ daemonState: "s3" }), { result: "error", message: "Invalid parameters" })
    const unknown = { machineId: "nobody", daemonState: "s", expectedVersion: 1 }
    assert.deepStrictEqual(await socket.emitWithAck("machine-update-state", unknown), {
      result: "error",
      message: "Machine not found"
    })
    const both = await Promise.all([2, 2].map((expectedVersion) => write({ daemonState: "s4", expectedVersion })))
    assert.deepStrictEqual(both.map(({ result }: any) => result).sort(), ["success", "version-mismatch"])
  })

  it("confirms a registration by an event, and hands calls through unread", async () => {
    const socket = await asMachine("calls")
    const confirmed = next(socket, "rpc-registered")
    socket.emit("rpc-register", { method: "calls:m" })
    assert.deepStrictEqual(await confirmed, { method: "calls:m" })
    socket.on("rpc-request", (request, ack) => ack({ got: request }))
    assert.deepStrictEqual(await phone.callRaw("calls", "m", "p"), {
      ok: true,
      result: { got: { method: "calls:m", params: "p" } }
    })
    const refused = next(socket, "rpc-error")
    socket.emit("rpc-register", {})
    assert.deepStrictEqual(await refused, { type: "register", error: "Invalid method name" })
    const same = await socket.emitWithAck("rpc-call", { method: "calls:m" })
    assert.deepStrictEqual(same, { ok: false, error: "Cannot call RPC on the same socket" })
    const nameless = await socket.emitWithAck("rpc-call", {})
    assert.deepStrictEqual(nameless, { ok: false, error: "Invalid parameters: method is required" })
  })

  it("waits a while for a registration, and then says that there is none", async () => {
    assert.deepStrictEqual(await phone.callRaw("late", "never", ""), { ok: false, error: "RPC method not available" })
    const call = patiently.callRaw("late", "soon", "")
    const socket = await asMachine("late", { server: patient, phone: patiently })
    socket.on("rpc-request", (_request, ack) => ack("here"))
    socket.emit("rpc-register", { method: "late:soon" })
    assert.deepStrictEqual(await call, { ok: true, result: "here" })
  })

  it("gives calls to the oldest socket, also to one that is silent, and tells who left", async () => {
    const registered = async (to?: { readonly server: HappyServer; readonly phone: Phone }) => {
      const socket = await asMachine("two", to)
      const confirmed = next(socket, "rpc-registered")
      socket.emit("rpc-register", { method: "two:m" })
      await confirmed
      return socket
    }
    const answersOf = async (to?: { readonly server: HappyServer; readonly phone: Phone }) => {
      const [first, second] = [await registered(to), await registered(to)]
      second.on("rpc-request", (_request, ack) => ack("second"))
      return first
    }
    await answersOf()
    assert.deepStrictEqual(await phone.callRaw("two", "m", ""), { ok: false, error: "operation has timed out" })
    const first = await answersOf({ server: patient, phone: patiently })
    const called = next(first, "rpc-request")
    const call = patiently.callRaw("two", "m", "")
    await called
    first.close()
    assert.deepStrictEqual(await call, { ok: false, error: "RPC target disconnected" })
    assert.deepStrictEqual(await patiently.callRaw("two", "m", ""), { ok: true, result: "second" })
  })

  it("passes over a heartbeat that is ten minutes old, and tells devices of the others", async () => {
    const { id } = await register()
    const socket = await asMachine(id)
    await phone.connect()
    socket.emit("machine-alive", { machineId: id, time: Date.now() - 11 * 60_000 })
    socket.emit("machine-alive", { machineId: id, time: "now" })
    await socket.emitWithAck("ping")
    assert.isFalse((await phone.machine(id))!.active)
    socket.emit("machine-alive", { machineId: id, time: Date.now() + 60_000 })
    await until("the machine is active", async () => (await phone.machine(id))!.active)
    assert.isAtMost((await phone.machine(id))!.activeAt, Date.now())
    socket.close()
    await until("the device is told", () =>
      phone.ephemerals.some((each) => each["id"] === id && each["active"] === false)
    )
    server.state.skewMillis = 11 * 60_000
    assert.isFalse((await phone.machine(id))!.active)
    server.state.skewMillis = 0
  })

  it("pairs a terminal", async () => {
    const publicKey = Buffer.alloc(32, 7).toString("base64")
    const ask = () => post(server.url, "/v1/auth/request", { publicKey, supportsV2: true })
    assert.strictEqual(await phone.pair(publicKey), 404)
    assert.deepStrictEqual((await ask()).body, { state: "requested" })
    assert.strictEqual(await phone.pair(publicKey), 200)
    assert.strictEqual(((await ask()).body as any).state, "authorized")
    assert.strictEqual((await post(server.url, "/v1/auth/request", { publicKey: "AA==" })).status, 401)
  })
})

describe("the stand-in for the server of 2025", () => {
  it("loses what comes before it has looked at the token, and hangs up on strangers", async () => {
    const server = await HappyServer.start({ isOld: true, graceMillis: 0 })
    const phone = await Phone.login(server.url)
    const socket = await connect(server.url, { token: phone.token, clientType: "machine-scoped", machineId: "old" })
    socket.emit("rpc-register", { method: "old:m" })
    await until("it has looked", () => server.count("connect") === 1)
    const confirmed = next(socket, "rpc-registered")
    socket.emit("rpc-register", { method: "old:m" })
    await confirmed
    assert.strictEqual(server.count("rpc-register"), 1)
    const stranger = await connect(server.url, { token: "no" })
    assert.deepStrictEqual(await next(stranger, "error"), { message: "Invalid authentication token" })
    await server.stop()
  })
})
