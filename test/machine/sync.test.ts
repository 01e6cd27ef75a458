import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { randomBytes } from "node:crypto"
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Phone } from "../support/happyServer/Phone.ts"
import { quietPort } from "../support/port.ts"
import { eventually, inState, ready, theMachine, thePhone, theReadyMachine, theServer } from "./support.ts"

const live = <E>(name: string, test: () => Effect.Effect<unknown, E, any>) =>
  it.live(name, () => Effect.scoped(test()) as Effect.Effect<unknown, E>)

describe("the machine at the remote server", () => {
  live("is told of, connected and confirmed, and a device sees what it is", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const machine = yield* theReadyMachine(server, phone)
      const status = yield* machine.client["machine.status"]()
      assert.include(status, {
        state: "ready",
        enabled: true,
        credentials: "legacy",
        serverUrl: server.url,
        another: null
      })
      assert.deepStrictEqual([...status.calls].sort(), [
        "resume-happy-session",
        "spawn-happy-session",
        "stop-daemon",
        "stop-session"
      ])
      const seen = yield* Effect.promise(() => phone.read(machine.id))
      assert.deepInclude(seen.daemonState, { status: "running", pid: process.pid })
      assert.hasAllKeys(seen.metadata, [
        "host",
        "platform",
        "happyCliVersion",
        "homeDir",
        "happyHomeDir",
        "happyLibDir",
        "hobVersion",
        "cliAvailability",
        "resumeSupport"
      ])
      assert.isTrue(seen.machine.active)
      assert.strictEqual(server.count("machine-alive"), 1)
      assert.strictEqual(seen.machine.daemonStateVersion, status.daemonStateVersion)
    })
  )

  live("is paired by a device: a link, a key of its own, a file that nobody else can read", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const machine = yield* theMachine(server, undefined)
      const refused = yield* Effect.flip(machine.client["machine.enable"]({}))
      assert.strictEqual(refused._tag, "MachineNotLoggedIn")
      const items = machine.client["machine.pair"]().pipe(
        Stream.tap((item) =>
          item.kind === "link"
            ? Effect.promise(() => {
                assert.match(item.link, /^happy:\/\/terminal\?[A-Za-z0-9_-]{43}$/)
                const key = item.link.split("?")[1]!
                assert.isTrue(item.webLink.endsWith(`/terminal/connect#key=${key}`))
                return phone.pair(Buffer.from(key, "base64url").toString("base64"))
              })
            : Effect.void
        ),
        Stream.runCollect
      )
      const last = (yield* items).at(-1)!
      assert.strictEqual(last.kind, "paired")
      assert.strictEqual(last.kind === "paired" && last.status.credentials, "data-key")
      const file = join(machine.daemon.paths.home, "machine", "access.key")
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.hasAllKeys(JSON.parse(readFileSync(file, "utf8")), ["encryption", "token"])
      yield* machine.client["machine.enable"]({})
      yield* ready(machine)
      const seen = yield* Effect.promise(() => phone.read(machine.id))
      assert.strictEqual(seen.daemonState.status, "running")
      assert.isNotNull(seen.machine.dataEncryptionKey)
      const again = yield* Effect.flip(Stream.runCollect(machine.client["machine.pair"]()))
      assert.strictEqual(again._tag, "MachineLoggedIn")
    })
  )

  live("is logged in by the account's secret, as base64 or as a backup; a wrong one is none", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const secret = randomBytes(32)
      const phone = yield* thePhone(server, secret)
      const machine = yield* theMachine(server, undefined)
      const wrong = yield* Effect.flip(machine.client["machine.login"]({ secret: "not a secret" }))
      assert.strictEqual(wrong._tag, "MachineNotLoggedIn")
      const bits = [...secret].map((byte) => byte.toString(2).padStart(8, "0")).join("")
      const letters = bits
        .padEnd(260, "0")
        .match(/.{5}/g)!
        .map((group) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number.parseInt(group, 2)])
        .join("")
      const backup = letters
        .match(/.{1,5}/g)!
        .join("-")
        .toLowerCase()
      yield* machine.client["machine.login"]({ secret: backup })
      yield* machine.client["machine.enable"]({})
      yield* ready(machine)
      assert.strictEqual((yield* Effect.promise(() => phone.read(machine.id))).daemonState.status, "running")
      const { removed } = yield* machine.client["machine.logout"]()
      assert.isTrue(removed)
      yield* inState(machine, "logged-out")
      assert.strictEqual((yield* Effect.promise(() => phone.read(machine.id))).daemonState.status, "offline")
      const { credentials, machineId } = yield* machine.client["machine.login"]({ secret: secret.toString("base64") })
      assert.strictEqual(credentials, "legacy")
      assert.notStrictEqual(machineId, machine.id)
      yield* ready(machine)
    })
  )

  live("uses what the server's own program has on this machine, and leaves it there", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const home = mkdtemp()
      const machine = yield* theMachine(server, phone, { HAPPY_HOME_DIR: home })
      const settings = JSON.parse(readFileSync(join(home, "settings.json"), "utf8"))
      assert.deepStrictEqual(settings, { schemaVersion: 2, onboardingCompleted: false, machineId: machine.id })
      yield* machine.client["machine.enable"]({})
      yield* ready(machine)
      assert.isFalse((yield* machine.client["machine.logout"]()).removed)
      assert.strictEqual(readFileSync(join(home, "access.key"), "utf8"), phone.legacyAccessKey)
      // One that has files of its own takes them over from there.
      const other = yield* theMachine(server, undefined, { HOME: mkdtempWithCredentials(phone, "their-machine") })
      const status = yield* other.client["machine.login"]({})
      assert.include(status, { credentials: "legacy", machineId: other.id })
    })
  )

  live("says running again after the server was gone, and goes on for ever", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(quietPort)
      const first = yield* theServer({ port })
      const phone = yield* thePhone(first)
      const machine = yield* theReadyMachine(first, phone)
      yield* Effect.promise(() => first.stop())
      yield* inState(machine, "waiting")
      const waiting = yield* machine.client["machine.status"]()
      assert.isNotNull(waiting.nextAttemptAt)
      assert.isString(waiting.reason)
      const second = yield* theServer({ port, state: first.state })
      yield* ready(machine)
      assert.strictEqual(second.sockets.length, 1)
      assert.strictEqual((yield* Effect.promise(() => phone.read(machine.id))).daemonState.status, "running")
    })
  )

  live("is registered as soon as a server that was away at the start is there", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(quietPort)
      const first = yield* theServer({ port })
      const phone = yield* thePhone(first)
      yield* Effect.promise(() => first.stop())
      const machine = yield* theMachine(first, phone)
      yield* machine.client["machine.enable"]({})
      yield* inState(machine, "waiting")
      yield* theServer({ port, state: first.state })
      yield* ready(machine)
      assert.isDefined(yield* Effect.promise(() => phone.machine(machine.id)))
    })
  )

  live("says offline when it is disabled, and when hob stops: shutting-down first, with time and source", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      yield* Effect.promise(() => phone.connect())
      const machine = yield* theReadyMachine(server, phone)
      yield* machine.client["machine.disable"]()
      yield* eventually("it is offline", async () => (await phone.read(machine.id)).daemonState.status === "offline")
      yield* eventually("its socket is closed", () => server.sockets.length === 1)
      yield* machine.client["machine.enable"]({})
      yield* ready(machine)
      const before = Date.now()
      const answer = yield* Effect.promise(() =>
        phone.call(machine.id, "stop-daemon", { reason: "tired", force: false })
      )
      assert.match(
        answer.message,
        /^Daemon stop request acknowledged, starting shutdown sequence\.\.\. 0 sessions run on\.$/
      )
      const told = yield* Effect.promise(() => phone.read(machine.id))
      assert.include(told.daemonState, { status: "shutting-down", shutdownSource: "mobile-app" })
      assert.isAtLeast(told.daemonState.shutdownRequestedAt, before)
      yield* machine.daemon.stop
      const last = yield* Effect.promise(() => phone.read(machine.id))
      assert.include(last.daemonState, {
        status: "offline",
        shutdownSource: "mobile-app",
        shutdownRequestedAt: told.daemonState.shutdownRequestedAt
      })
      assert.strictEqual(server.sockets.length, 1)
    })
  )

  live("keeps what a device adds to its metadata, and never takes a state of others for its own", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const machine = yield* theReadyMachine(server, phone)
      const write = (field: "metadata" | "daemonState", value: object) =>
        Effect.promise(async () => {
          const seen = await phone.read(machine.id)
          const socket = await phone.connect()
          const version = field === "metadata" ? seen.machine.metadataVersion : seen.machine.daemonStateVersion
          return socket.emitWithAck(field === "metadata" ? "machine-update-metadata" : "machine-update-state", {
            machineId: machine.id,
            [field]: phone.encryptFor(seen.machine, value),
            expectedVersion: version
          })
        })
      const { metadata } = yield* Effect.promise(() => phone.read(machine.id))
      yield* write("metadata", { ...metadata, displayName: "Attic", host: "somewhere else" })
      yield* write("daemonState", { status: "offline", shutdownSource: "cli", httpPort: 1 })
      yield* eventually(
        "it says running again",
        async () => (await phone.read(machine.id)).daemonState.status === "running"
      )
      yield* machine.client["machine.disable"]()
      yield* machine.client["machine.enable"]({})
      yield* ready(machine)
      const after = yield* Effect.promise(() => phone.read(machine.id))
      assert.include(after.metadata, { displayName: "Attic", host: metadata.host })
      assert.doesNotHaveAnyKeys(after.daemonState, ["shutdownSource", "httpPort"])
    })
  )

  live("notices another daemon with its id, and does not fight with it", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const home = mkdtempWithCredentials(phone, "one-machine")
      const shared = { HAPPY_HOME_DIR: join(home, ".happy") }
      const first = yield* theReadyMachine(server, phone, shared)
      // In one process both have the same pid; they are told apart by when they started.
      const second = yield* theReadyMachine(server, phone, shared)
      assert.strictEqual(first.id, second.id)
      yield* eventually(
        "the first has noticed",
        async () => (await Effect.runPromise(first.client["machine.status"]())).another !== null
      )
      const settled = (yield* Effect.promise(() => phone.machine(first.id)))!.daemonStateVersion
      yield* second.daemon.stop
      yield* eventually("the first says that it runs", async () => {
        const { daemonState, machine } = await phone.read(first.id)
        return daemonState.status === "running" && machine.daemonStateVersion > settled
      })
      const { machine } = yield* Effect.promise(() => phone.read(first.id))
      // offline, then running: no more than that.
      assert.strictEqual(machine.daemonStateVersion, settled + 2)
    })
  )

  live("takes the server's clock for its heartbeats when its own is ten minutes off", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      server.state.skewMillis = 11 * 60_000
      const phone = yield* thePhone(server)
      const machine = yield* theReadyMachine(server, phone)
      assert.approximately((yield* machine.client["machine.status"]()).clockSkewMillis, 11 * 60_000, 60_000)
      const seen = yield* Effect.promise(() => phone.machine(machine.id))
      assert.isTrue(seen!.active)
      assert.approximately(seen!.activeAt, Date.now() + 11 * 60_000, 60_000)
    })
  )

  live("speaks with a server of 2025, which loses what comes too early", () =>
    Effect.gen(function* () {
      const server = yield* theServer({ isOld: true })
      const phone = yield* thePhone(server)
      const machine = yield* theMachine(server, phone)
      yield* machine.client["machine.enable"]({})
      yield* ready(machine)
      assert.isAtLeast(server.count("rpc-register"), 4)
    })
  )
})

const mkdtemp = () => mkdtempSync(join(tmpdir(), "hob-"))
const mkdtempWithCredentials = (phone: Phone, machineId: string): string => {
  const home = mkdtemp()
  mkdirSync(join(home, ".happy"))
  writeFileSync(join(home, ".happy", "access.key"), phone.legacyAccessKey, { mode: 0o644 })
  writeFileSync(join(home, ".happy", "settings.json"), JSON.stringify({ schemaVersion: 2, machineId }))
  return home
}
