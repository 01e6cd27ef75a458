import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { differences } from "../../../src/cli/service/files.ts"
import { jobState } from "../../../src/cli/service/launchd.ts"
import { plist } from "../../../src/cli/service/plist.ts"
import { parseVariables, unitState } from "../../../src/cli/service/systemd.ts"
import { isMarked, serviceUnit, socketUnit } from "../../../src/cli/service/units.ts"
import { makePaths } from "../../../src/config/paths.ts"
import { servicePaths } from "../../../src/config/servicePaths.ts"
import { needs } from "../../support/needs.ts"

const awkward = '/opt/a b/%h/$x/"q"/\\n'
const options = {
  name: "hob",
  version: "1.2.3",
  home: awkward,
  socket: `${awkward}/hob.sock`,
  command: ["/bin/sh", awkward, "-c", "sessions.detachKey=C-b d"],
  environment: { HOB_HOME: awkward },
  canNotify: true
}

describe("the units", () => {
  it("leave nothing in a path to systemd's own signs", () => {
    const service = serviceUnit(options)
    const quoted = '/opt/a b/%%h/$x/\\"q\\"/\\\\n'
    assert.include(service, `Environment="HOB_HOME=${quoted}"\n`)
    const command = quoted.replaceAll("$", "$$$$")
    assert.include(service, `ExecStart="/bin/sh" "${command}" "-c" "sessions.detachKey=C-b d"\n`)
    assert.include(socketUnit(options), `ListenStream=${awkward.replaceAll("%", "%%")}/hob.sock\n`)
  })

  it("never end what the daemon leaves behind, whatever the session-host's own unit", () => {
    assert.include(serviceUnit(options), "KillMode=process\n")
  })

  it("wait for the daemon only where it can say that it is ready", () => {
    assert.match(serviceUnit(options), /^Type=notify\nNotifyAccess=all$/m)
    assert.match(serviceUnit({ ...options, canNotify: false }), /^Type=exec$/m)
  })

  it("are known as ours by their first line, and by nothing less", () => {
    for (const unit of [serviceUnit(options), socketUnit(options)]) assert.isTrue(isMarked(unit))
    assert.isFalse(isMarked("[Unit]\nDescription=hob\n"))
  })

  needs("systemd-analyze")("are right in the eyes of systemd", () => {
    const directory = mkdtempSync(join(tmpdir(), "hob-units-"))
    try {
      for (const canNotify of [true, false]) {
        const files = [join(directory, "hob.service"), join(directory, "hob.socket")] as const
        writeFileSync(files[0], serviceUnit({ ...options, canNotify }))
        writeFileSync(files[1], socketUnit(options))
        const env = { ...process.env, XDG_RUNTIME_DIR: directory }
        const verify = ["--user", "verify", "--man=no", "--recursive-errors=no", ...files]
        const { status, stderr } = spawnSync("systemd-analyze", verify, { env, encoding: "utf8" })
        assert.deepStrictEqual([status, stderr], [0, ""])
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe("the agent of launchd", () => {
  const label = "hob.daemon"
  const text = plist({ label, version: "1.2.3", command: ["/n<o>d&e", awkward], environment: { A: '"<&>' }, log: "/l" })

  needs("python3")("is a property list that says what was meant", () => {
    const script = "import plistlib,sys,json; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))"
    const parsed = JSON.parse(execFileSync("python3", ["-c", script], { input: text, encoding: "utf8" }))
    assert.deepStrictEqual(parsed, {
      Label: label,
      ProgramArguments: ["/n<o>d&e", awkward],
      EnvironmentVariables: { A: '"<&>' },
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      AbandonProcessGroup: true,
      ExitTimeOut: 30,
      StandardErrorPath: "/l"
    })
  })

  it("is known as ours", () => assert.isTrue(isMarked(text)))

  it("is as launchctl says", () => {
    const printed =
      "gui/501/hob.daemon = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 4711\n\tlast exit code = (never exited)\n}\n"
    const state = jobState(label, printed)
    assert.deepStrictEqual([state.active, state.failed, state.pid, state.enabled], [true, false, 4711, true])
    const failed = jobState(label, "\tstate = spawn scheduled\n\tlast exit code = 1\n")
    assert.deepStrictEqual([failed.active, failed.failed], [false, true])
    assert.deepStrictEqual(jobState(label, null).state, "not loaded")
  })
})

describe("what systemctl says", () => {
  it("is read", () => {
    const block = "Id=hob.service\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=42"
    assert.deepStrictEqual(unitState(parseVariables(block)), {
      name: "hob.service",
      enabled: true,
      state: "active (running)",
      active: true,
      failed: false,
      pid: 42
    })
    assert.isNull(unitState({}))
    assert.isTrue(unitState({ Id: "x", ActiveState: "failed", SubState: "failed" })!.failed)
  })
})

describe("a service's files", () => {
  it("have the name of hob, or of the home that HOB_HOME leads to: always the same, and another for another", () => {
    const env = { HOME: "/users/ada" }
    assert.strictEqual(servicePaths(makePaths(env), env).systemdSocket, "/users/ada/.config/systemd/user/hob.socket")
    const named = (home: string) => servicePaths(makePaths({ HOB_HOME: home }), env).name
    assert.match(named("/srv/a"), /^hob-[0-9a-f]{8}$/)
    assert.strictEqual(named("/srv/a"), named("/srv/a"))
    assert.notStrictEqual(named("/srv/a"), named("/srv/b"))
    const moved = { ...env, XDG_CONFIG_HOME: "/x" }
    assert.strictEqual(servicePaths(makePaths(moved), moved).systemdService, "/x/systemd/user/hob.service")
  })

  it("that differ show how, line by line", () => {
    const file = { path: "p", content: "a\nb\n", found: "a\nc\n" }
    assert.deepStrictEqual(differences(file), ["- c", "+ b"])
    assert.deepStrictEqual(differences({ ...file, found: file.content }), [])
    assert.deepStrictEqual(differences({ ...file, found: null }), [])
  })
})
