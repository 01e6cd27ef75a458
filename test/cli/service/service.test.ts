import { execFile } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { ExitCode } from "../../../src/cli/exit.ts"
import type { ServiceStatus } from "../../../src/cli/render/service.ts"
import type { Session } from "../../../src/protocol/sessions.ts"
import { servicePaths } from "../../../src/config/servicePaths.ts"
import { type Home, makeHome } from "../../support/home.ts"

/**
 * Stands for the managers' programs: writes down how it was called, and says what lies in the file of that name. What
 * they really do is seen by test/e2e/systemd.test.ts.
 */
const standIn = `#!/bin/sh
echo "$\{0##*/} $*" >> "$STAND_IN/calls"
for word in "$@"; do
  [ -e "$STAND_IN/fail-$word" ] && { cat "$STAND_IN/fail-$word" >&2; exit 1; }
  [ -e "$STAND_IN/say-$word" ] && cat "$STAND_IN/say-$word"
done
exit 0
`

describe("hob service", () => {
  let home: Home
  let directory: string
  beforeEach(() => {
    home = makeHome()
    directory = join(home.paths.home, "..", "stand-in")
    mkdirSync(directory)
    for (const program of ["systemctl", "loginctl", "launchctl"]) {
      writeFileSync(join(directory, program), standIn)
      chmodSync(join(directory, program), 0o700)
    }
    home.env["STAND_IN"] = directory
    home.env["PATH"] = `${directory}:${home.env["PATH"]}`
    say("show-environment", `HOME=${home.env["HOME"]}\nPATH=/no/such\n`)
    say("--property=Linger", "Linger=no\n")
    say(
      "show",
      "Id=x.socket\nActiveState=active\nSubState=listening\nUnitFileState=enabled\n\nId=x.service\nMainPID=7\nActiveState=active\n"
    )
  })
  afterEach(() => home.destroy())

  const say = (word: string, text: string) => writeFileSync(join(directory, `say-${word}`), text)
  const fail = (word: string, text: string) => writeFileSync(join(directory, `fail-${word}`), text)
  const calls = () => readFileSync(join(directory, "calls"), "utf8").trim().split("\n")
  const where = () => servicePaths(home.paths, home.env)
  const onMac = (verb: string) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
      const script = join(import.meta.dirname, "children/launchd.ts")
      const child = execFile(process.execPath, [script, verb], { env: home.env }, (_, stdout, stderr) =>
        done({ code: child.exitCode, stdout, stderr })
      )
    })

  it("install writes the units, has them enabled and started, keeps sessions, and says that linger is off", async () => {
    await home.ok(["run", "--detach", "--name", "kept", "--", "sleep", "1000"])
    const pid = await home.daemonPid()
    const said = await home.ok(["service", "install", "-c", "sessions.maxCount=50"])
    assert.match(said, /^hob is a service of systemd now/)
    assert.match(said, /The 1 session of before stays in the session-host of before/)
    assert.match(said, /Lingering is off: .*`loginctl enable-linger` keeps them/)
    const { name, systemdService, systemdSocket } = where()
    const ctl = (...words: ReadonlyArray<string>) => calls().indexOf(`systemctl --user ${words.join(" ")}`)
    const [socket, service] = [`${name}.socket`, `${name}.service`]
    const steps = [
      ["daemon-reload"],
      ["stop", service, socket],
      ["enable", socket, service],
      ["start", socket],
      ["start", service]
    ]
    const order = steps.map((words) => ctl(...words))
    assert.isAbove(order[0]!, -1)
    assert.deepStrictEqual(
      order,
      order.toSorted((a, b) => a - b),
      calls().join("\n")
    )
    assert.match(readFileSync(systemdService, "utf8"), /^ExecStart=.*daemon.js" "-c" "sessions.maxCount=50"$/m)
    assert.match(readFileSync(systemdService, "utf8"), new RegExp(`^Environment="HOB_HOME=${home.paths.home}"$`, "m"))
    assert.include(readFileSync(systemdSocket, "utf8"), `ListenStream=${home.paths.socket}\n`)
    assert.notStrictEqual(await home.daemonPid(), pid)
    assert.strictEqual((await home.json<Session>(["show", "kept"])).state, "running")
  })

  it("status tells what is there, what is up, and what differs from what this version would write", async () => {
    const none = await home.hob(["service", "status"])
    assert.deepStrictEqual([none.code, /not installed as a service/.test(none.stdout)], [ExitCode.notRunning, true])
    await home.ok(["service", "install"])
    const status = await home.json<ServiceStatus>(["service", "status"])
    assert.deepStrictEqual([status.installed, status.linger], [true, false])
    assert.deepStrictEqual(
      status.files.flatMap(({ differences }) => differences),
      []
    )
    const { systemdService } = where()
    writeFileSync(systemdService, readFileSync(systemdService, "utf8").replace("KillMode=process", "KillMode=mixed"))
    const page = await home.ok(["service", "status"])
    assert.match(page, /is not what this version of hob writes:\n +- KillMode=mixed\n +\+ KillMode=process/)
    say("show", "Id=x.service\nActiveState=failed\n")
    const failed = await home.hob(["service", "status"])
    assert.deepStrictEqual([failed.code, /Not all of it is up/.test(failed.stdout)], [ExitCode.failure, true])
  })

  it("uninstall removes what install wrote and nothing else, and says what goes on running", async () => {
    assert.strictEqual((await home.hob(["service", "uninstall"])).code, ExitCode.notRunning)
    await home.ok(["service", "install"])
    await home.ok(["run", "--detach", "--", "sleep", "1000"])
    const { name, systemdService } = where()
    const neighbour = join(dirname(systemdService), "other.service")
    writeFileSync(neighbour, "")
    const said = await home.ok(["service", "uninstall"])
    assert.match(said, /1 session goes on in the session-host \(pid \d+\)/)
    assert.deepStrictEqual(readdirSync(dirname(systemdService)), ["other.service"])
    assert.include(calls(), `systemctl --user disable --now ${name}.socket ${name}.service`)
    assert.strictEqual((await home.json<{ sessions: ReadonlyArray<Session> }>(["ls"])).sessions.length, 1)
  })

  it("a unit that somebody else wrote is neither replaced nor removed", async () => {
    const { systemdService } = where()
    mkdirSync(dirname(systemdService), { recursive: true })
    writeFileSync(systemdService, "[Service]\nExecStart=/bin/true\n")
    for (const verb of ["install", "uninstall"]) {
      const { code, stderr } = await home.hob(["service", verb])
      assert.strictEqual(code, ExitCode.failure)
      assert.match(stderr, /was not written by hob\.\nMove it out of the way: mv /)
    }
    assert.include(readFileSync(systemdService, "utf8"), "/bin/true")
  })

  it("without a manager that answers nothing is written, and the reason is told with what to do", async () => {
    fail("show-environment", "Failed to connect to bus: No medium found")
    const { code, stderr } = await home.hob(["service", "install"])
    assert.strictEqual(code, ExitCode.failure)
    assert.match(
      stderr,
      /does not answer: Failed to connect to bus: No medium found\nIt is there once this user has logged in/
    )
    assert.isFalse(existsSync(where().systemdService))
  })

  it("a daemon that the manager can't start is told, with where to read why", async () => {
    const { name } = where()
    fail(`${name}.service`, "Job failed")
    const { code, stderr } = await home.hob(["service", "install"])
    assert.strictEqual(code, ExitCode.failure)
    assert.include(stderr, "Job failed")
  })

  it("status and stop don't have systemd start a daemon that they only ask about", async () => {
    await home.ok(["service", "install"])
    await home.ok(["stop"])
    assert.strictEqual((await home.hob(["status"])).code, ExitCode.notRunning)
    assert.strictEqual((await home.hob(["stop"])).code, ExitCode.notRunning)
    assert.strictEqual((await home.hob(["ls", "--no-start"])).code, ExitCode.notRunning)
  })

  it("on macOS is an agent of launchd: taken up, shown, and given back", async () => {
    const { launchdPlist, name } = where()
    const domain = `gui/${process.getuid!()}`
    say("print", "state = running\npid = 7\n")
    const installed = await onMac("install")
    assert.strictEqual(installed.code, 0, installed.stderr)
    assert.include(calls(), `launchctl bootstrap ${domain} ${launchdPlist}`)
    assert.include(readFileSync(launchdPlist, "utf8"), `<string>${home.paths.home}</string>`)
    assert.match((await onMac("status")).stdout, /hob\S*\.daemon: +running, enabled, pid 7/)
    assert.strictEqual((await onMac("uninstall")).code, 0)
    assert.include(calls(), `launchctl bootout ${domain}/${name}.daemon`)
    assert.isFalse(existsSync(launchdPlist))
  })
})
