import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer, type AddressInfo, connect } from "node:net"
import { join } from "node:path"
import { HobConfig } from "../../src/config/HobConfig.ts"
import { decideListenAt } from "../../src/webhooks/listenAt.ts"
import { listeners } from "../../src/wire/http/whoHasPort.ts"
import { quietPort } from "../support/port.ts"
import { eventually, listening, method, methodsOf, open, type OpenOptions, post, temporary } from "./support.ts"

/** With a configuration file of its own. */
const withFile = (text: string, options: OpenOptions & { readonly flags?: ReadonlyArray<string> } = {}) =>
  Effect.gen(function* () {
    const directory = temporary()
    const path = join(directory, "config.json")
    writeFileSync(path, text, { mode: 0o600 })
    const config = HobConfig.layer({ paths: { config: path }, env: {}, flags: options.flags ?? [] })
    return { ...(yield* open({ ...options, directory, config })), path }
  })

const free = Effect.promise(quietPort)

const isOpen = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy()
      done(true)
    })
    socket.on("error", () => done(false))
  })

const settings = { enabled: true, host: "127.0.0.1", port: 3457, allowRemote: false, requestMillis: 20_000 }

describe("where hob listens", () => {
  it("is nowhere unless it is told to, and 127.0.0.1:3457 then", () => {
    assert.deepStrictEqual(decideListenAt({ ...settings, enabled: false }, {}), { type: "off" })
    assert.deepInclude(decideListenAt(settings, {}), { type: "listen", host: "127.0.0.1", port: 3457 })
  })

  it("is what photon's variable says, where the configuration says nothing", () => {
    const off = { ...settings, enabled: false }
    assert.deepInclude(decideListenAt(off, { PHOTON_WEBHOOK_PORT: "8080" }), { type: "listen", port: 8080 })
    for (const none of ["", "0", "x", "-1", "70000", "80 "]) {
      assert.deepStrictEqual(decideListenAt(off, { PHOTON_WEBHOOK_PORT: none }), { type: "off" })
    }
    assert.deepInclude(decideListenAt(settings, { PHOTON_WEBHOOK_PORT: "8080" }), { port: 3457 })
  })

  it.each(["0.0.0.0", "::", "192.168.1.7"])(
    "is not %s, which other machines reach, unless that is said too",
    (host) => {
      assert.deepInclude(decideListenAt({ ...settings, host }, {}), { type: "refused" })
      assert.deepInclude(decideListenAt({ ...settings, host, allowRemote: true }, {}), { type: "listen", host })
      assert.deepInclude(decideListenAt({ ...settings, host: "1.2.3" }, {}), { type: "refused" })
    }
  )
})

describe("listening", () => {
  it.live("is switched on and off, at once and in the configuration file", () =>
    Effect.gen(function* () {
      const port = yield* free
      const { path, rpc } = yield* withFile('{\n  "locks": {"maxCount": 7}\n}')
      assert.deepInclude((yield* rpc["webhooks.list"]({})).listener, { state: "off", url: null })
      const { listener } = yield* rpc["webhooks.enable"]({ port })
      assert.deepStrictEqual(listener, { state: "up", url: `http://127.0.0.1:${port}`, reason: null })
      assert.isTrue(yield* Effect.promise(() => isOpen(port)))
      assert.include(readFileSync(path, "utf8"), '"locks": {"maxCount": 7}')
      assert.deepInclude((yield* rpc["webhooks.disable"]()).listener, { state: "off" })
      assert.isFalse(yield* Effect.promise(() => isOpen(port)))
      assert.match(readFileSync(path, "utf8"), /"enabled":\s*false/)
    }).pipe(Effect.scoped)
  )

  it.live("where somebody else does is refused with who that is, and changes nothing", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.promise(
          () =>
            new Promise<ReturnType<typeof createServer>>((done) => {
              const server = createServer().listen(0, "127.0.0.1", () => done(server))
            })
        ),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = server.address() as AddressInfo
      const { path, rpc } = yield* withFile("{}")
      const error = yield* Effect.flip(rpc["webhooks.enable"]({ port }))
      assert.include(error.message, `in use by`)
      if (process.platform === "linux") assert.include(error.message, `(pid ${process.pid})`)
      assert.deepInclude((yield* rpc["webhooks.list"]({})).listener, { state: "off" })
      assert.match(readFileSync(path, "utf8"), /"enabled":\s*false/)
    }).pipe(Effect.scoped)
  )

  it.live("that flags or photon's variable switched on can't be switched off in the file", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* free, yield* free]
      const flags = yield* withFile("{}", { flags: ["webhooks.enabled=true", `webhooks.port=${one}`] })
      assert.strictEqual(yield* listening(flags), one)
      assert.deepInclude(yield* Effect.flip(flags.rpc["webhooks.disable"]()), { _tag: "WebhooksFixed", source: "flag" })
      const photon = yield* withFile("{}", { env: { PHOTON_WEBHOOK_PORT: String(two), PHOTON_WEBHOOK_SECRET: "s" } })
      assert.strictEqual(yield* listening(photon), two)
      assert.deepInclude(yield* Effect.flip(photon.rpc["webhooks.disable"]()), { _tag: "WebhooksFixed" })
      yield* photon.rpc["webhooks.allow"]({ method: method("hook") })
      const answer = yield* Effect.promise(() => post(two, { headers: [["X-Webhook-Secret", "s"]] }))
      assert.strictEqual(answer.status, 200)
      assert.strictEqual((yield* Effect.promise(() => post(two, {}))).status, 401)
    }).pipe(Effect.scoped)
  )

  it.live("elsewhere begins when the configuration is changed and read again; what runs is answered first", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* free, yield* free]
      let begun = false
      const gate = yield* Deferred.make<number>()
      const opened = yield* withFile(`{"webhooks":{"enabled":true,"port":${one}}}`, {
        methods: methodsOf(() =>
          Effect.andThen(
            Effect.sync(() => void (begun = true)),
            Deferred.await(gate)
          )
        )
      })
      yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
      assert.strictEqual(yield* listening(opened), one)
      const asked = yield* Effect.forkChild(
        Effect.promise(() => post(one, {})),
        { startImmediately: true }
      )
      yield* Effect.promise(() => eventually(() => begun))
      writeFileSync(opened.path, `{"webhooks":{"enabled":true,"port":${two}}}`)
      yield* Context.get(opened.context, HobConfig).reload
      yield* Effect.promise(() => eventually(async () => !(await isOpen(one))))
      yield* Deferred.succeed(gate, 7)
      assert.deepInclude(yield* Fiber.join(asked), { status: 200, body: { success: true, data: 7 } })
      yield* Effect.promise(() => eventually(() => isOpen(two)))
      assert.isFalse(yield* Effect.promise(() => isOpen(one)))
    }).pipe(Effect.scoped)
  )

  it.live("when hob stops, who waits hears that it is on record, and what runs has a moment", () =>
    Effect.gen(function* () {
      let begun = false
      const gate = yield* Deferred.make<number>()
      const opened = yield* open({
        methods: methodsOf(() =>
          Effect.andThen(
            Effect.sync(() => void (begun = true)),
            Deferred.await(gate)
          )
        ),
        settings: { answerMillis: 60_000 }
      })
      yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
      const port = yield* listening(opened)
      const asked = yield* Effect.forkChild(
        Effect.promise(() => post(port, {})),
        { startImmediately: true }
      )
      yield* Effect.promise(() => eventually(() => begun))
      const stopping = yield* Effect.forkChild(opened.stop, { startImmediately: true })
      assert.deepInclude(yield* Fiber.join(asked), { status: 202, body: { delivery: 1 } })
      yield* Deferred.succeed(gate, 7)
      yield* Fiber.join(stopping)
    }).pipe(Effect.scoped)
  )

  it.live("a test of a webhook goes through the same door", () =>
    Effect.gen(function* () {
      const opened = yield* open()
      const { rpc } = opened
      for (const [name, scheme, secrets] of [
        ["plain", "none", undefined],
        ["known", "secret", ["s"]],
        ["github", "github", undefined],
        ["stripe", "stripe", ["whsec_x"]],
        ["standard", "standard", undefined]
      ] as const) {
        yield* rpc["webhooks.allow"]({ method: method(name), scheme, ...(secrets === undefined ? {} : { secrets }) })
        yield* listening(opened)
        const tested = yield* rpc["webhooks.test"]({ method: method(name), body: { n: 1 } })
        assert.deepInclude(tested, { status: 200, body: { success: true, data: { done: name } } })
      }
      const whpk = `whpk_${Buffer.alloc(32, 1).toString("base64")}`
      yield* rpc["webhooks.allow"]({ method: method("public"), scheme: "standard", secrets: [whpk] })
      const error = yield* Effect.flip(rpc["webhooks.test"]({ method: method("public") }))
      assert.strictEqual(error._tag, "WebhookUnsignable")
    }).pipe(Effect.scoped)
  )
})

describe("/proc/net/tcp", () => {
  it("says which sockets listen on a port", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:0D81 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000",
      "   1: 0100007F:0D81 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0000",
      "   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0000"
    ].join("\n")
    assert.deepStrictEqual([...listeners(table, 3457)], ["socket:[4711]"])
    assert.deepStrictEqual([...listeners(table, 1)], [])
  })
})
