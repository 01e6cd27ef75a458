import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { MachineStatus } from "../../src/protocol/machine.ts"
import { HappyServer } from "../support/happyServer/HappyServer.ts"
import { Phone } from "../support/happyServer/Phone.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"

/** The machine as a person uses it: through the command, with a daemon of its own. */
describe("this machine on the network", () => {
  let server: HappyServer
  let phone: Phone
  let home: Home
  const secret = randomBytes(32)
  const status = () => home.json<MachineStatus>(["machine", "status"])
  const ready = () => until("the machine is ready", async () => (await status()).state === "ready")

  beforeAll(async () => {
    server = await HappyServer.start({ graceMillis: 2000 })
    phone = await Phone.login(server.url, secret)
    // Longer than anything here takes, however busy the machine is: who would wait for the server is cut off all the same.
    home = makeHome({ HAPPY_SERVER_URL: server.url, HOB_DAEMON_SHUTDOWN_MILLIS: "60000" })
  }, 60_000)
  afterAll(async () => {
    phone.close()
    await home.destroy()
    await server.stop()
  }, 60_000)

  const terminate = async () => {
    const pid = await home.daemonPid()
    process.kill(pid, "SIGTERM")
    await until("the daemon has ended", () => !isAlive(pid))
  }

  it("contacts nobody before somebody has logged in, and says what to do", async () => {
    const refused = await home.hob(["machine", "enable"])
    assert.strictEqual(refused.code, 2)
    assert.include(refused.stderr, "hob machine pair")
    const before = await status()
    assert.include(before, { state: "off", enabled: false, credentials: null })
    assert.strictEqual(server.requests.filter((request) => request.includes("hob/")).length, 0)
  })

  it("shows a QR code and links to pair by, and is ready once a device has answered and it is enabled", async () => {
    const pairing = home.start(["machine", "pair"])
    let shown = ""
    pairing.stdout!.on("data", (chunk) => (shown += String(chunk)))
    await until("the links are shown", () => shown.includes("Waiting"))
    const [, key] = /happy:\/\/terminal\?([A-Za-z0-9_-]{43})/.exec(shown)!
    assert.match(shown, /[▀▄█]{20}/)
    assert.include(shown, `/terminal/connect#key=${key}`)
    assert.strictEqual(await phone.pair(Buffer.from(key!, "base64url").toString("base64")), 200)
    await until("it has ended", () => pairing.exitCode !== null)
    assert.strictEqual(pairing.exitCode, 0)
    assert.include(shown, "Logged in at")
    const enabled = await home.ok(["machine", "enable", "--no-http"])
    assert.include(enabled, `kept in step with ${server.url}`)
    await ready()
    const page = await home.ok(["machine", "status"])
    assert.include(page, "ready: devices of the account can call it")
    assert.include(page, "a key of this machine")
  })

  it("is ready again after hob was killed, and after it was restarted", async () => {
    await home.killDaemon()
    await ready()
    await home.ok(["restart"])
    await ready()
    const { machineId } = await status()
    const { daemonState } = await phone.read(machineId)
    assert.deepInclude(daemonState, { status: "running", pid: await home.daemonPid() })
    await until("no socket is left behind", () => server.sockets.length === 1)
  })

  it("tells how it was stopped: by a command, and by a signal", async () => {
    const began = Date.now()
    const { machineId } = await status()
    const last = async () => (await phone.read(machineId)).daemonState
    await home.ok(["stop"])
    await until("it is offline", async () => (await last()).status === "offline")
    assert.strictEqual((await last()).shutdownSource, "cli")
    await home.ok(["start"])
    await ready()
    await terminate()
    assert.deepInclude(await last(), { status: "offline", shutdownSource: "os-signal" })
    assert.isAbove((await last()).shutdownRequestedAt, began)
  })

  it("ends by a device's call, and its sessions run on", async () => {
    await home.ok(["run", "--detach", "--name", "stays", "--", "sleep", "600"])
    await ready()
    const { machineId } = await status()
    const pid = await home.daemonPid()
    const answer = await phone.call(machineId, "stop-daemon", { reason: "user-requested", force: true })
    assert.include(answer, { sessionsLeft: 1, force: true })
    await until("the daemon has ended", () => !isAlive(pid))
    assert.deepInclude((await phone.read(machineId)).daemonState, { status: "offline", shutdownSource: "mobile-app" })
    const { sessions } = await home.json<{ readonly sessions: ReadonlyArray<{ readonly name: string }> }>(["ls"])
    assert.deepStrictEqual(
      sessions.map(({ name }) => name),
      ["stays"]
    )
    await ready()
  })

  it("keeps secrets out of every file but its own", async () => {
    const { credentialsFile, machineId } = await status()
    await phone.call(machineId, "spawn-happy-session", { directory: "/nowhere", token: "oauth-token-of-a-device" })
    const stored = JSON.parse(readFileSync(credentialsFile, "utf8"))
    assert.strictEqual(statSync(credentialsFile).mode & 0o777, 0o600)
    const secrets = [stored.token, stored.encryption.machineKey, secret.toString("base64"), "oauth-token-of-a-device"]
    const found = everyFile(home.paths.home)
      .filter((file) => file !== credentialsFile)
      .flatMap((file) => secrets.flatMap((text) => (readFileSync(file).includes(text) ? [file] : [])))
    assert.deepStrictEqual(found, [])
    const said = await home.ok(["machine", "status", "--json"])
    for (const text of secrets) assert.notInclude(said, text)
  })

  it("ends with 0, and is not cut off, when the server does not answer any more", async () => {
    await home.ok(["stop"])
    const daemon = home.start(["start", "--foreground"])
    await ready()
    server.freeze()
    await terminate()
    await until("it has ended", () => daemon.exitCode !== null)
    assert.strictEqual(daemon.exitCode, 0)
    // Two words of half a second each, and what else there is to do.
    const log = readFileSync(home.paths.daemonLog, "utf8")
    assert.notInclude(log, "is cut off")
  })

  it("says who logged out, and forgets who it was", async () => {
    const before = await status()
    const said = await home.ok(["machine", "logout"])
    assert.include(said, "credentials are removed")
    const after = await status()
    assert.include(after, { credentials: null, state: "logged-out" })
    assert.notStrictEqual(after.machineId, before.machineId)
    const again = await home.hob(["machine", "login", "--secret", "-"], { input: "nonsense\n" })
    assert.strictEqual(again.code, 2)
    const loggedIn = await home.hob(["machine", "login", "--secret", "-"], {
      input: `${secret.toString("base64url")}\n`
    })
    assert.strictEqual(loggedIn.code, 0)
    await ready()
    await home.ok(["machine", "disable"])
    assert.strictEqual((await status()).state, "off")
  })
})

const everyFile = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? everyFile(path) : entry.isFile() ? [path] : []
  })
