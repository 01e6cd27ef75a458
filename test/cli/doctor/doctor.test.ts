import {
  chmodSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { spawnSync } from "node:child_process"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { ExitCode } from "../../../src/cli/exit.ts"
import type { Finding } from "../../../src/cli/doctor/finding.ts"
import type { Session } from "../../../src/protocol/sessions.ts"
import { binary, type Home, isAlive, makeHome, processesOf, until } from "../../support/home.ts"

interface Report {
  readonly worst: string
  readonly findings: ReadonlyArray<Finding>
  readonly mended?: ReadonlyArray<{ readonly path: string; readonly done: boolean }>
}

describe("hob doctor, on a home that is broken", () => {
  let home: Home
  beforeEach(() => {
    // Of this machine only the PATH and the shell are said otherwise: what is wrong here is what the tests break.
    home = makeHome({ SHELL: "/bin/sh", TZ: "UTC" })
    home.env["PATH"] = `${dirname(binary)}:${home.env["PATH"]}`
  })
  afterEach(() => home.destroy())

  const report = async (...args: ReadonlyArray<string>): Promise<Report & { readonly code: number | null }> => {
    const ran = await home.hob(["doctor", "--json", ...args])
    return { ...(JSON.parse(ran.stdout) as Report), code: ran.code }
  }
  /** What is wrong in the groups that speak of this home. */
  const wrong = async (...args: ReadonlyArray<string>) =>
    (await report(...args)).findings.filter(
      ({ check, level }) =>
        level !== "ok" && /^(files|stale|sockets|sessions|config|daemon|versions|shell)\./.test(check)
    )
  const checksOf = (findings: ReadonlyArray<Finding>) => findings.map(({ check }) => check)
  const mode = (path: string) => statSync(path).mode & 0o777
  const old = (path: string) => utimesSync(path, 1_780_000_000, 1_780_000_000)

  it("finds nothing in a home that was used, and starts nothing in one that was not", async () => {
    const { code, findings } = await report()
    assert.strictEqual(code, 0, JSON.stringify(findings))
    assert.deepStrictEqual(processesOf(home.paths.home), [])
    assert.isFalse(existsSync(home.paths.home))
    await home.ok(["run", "--", "true"])
    assert.deepStrictEqual(await wrong(), [])
    await home.ok(["stop", "--all"])
    assert.deepStrictEqual(await wrong(), [])
    assert.match(await home.ok(["doctor"]), /^files\n {2}ok {7}.* all yours and closed to others\.$/m)
  })

  it("a home that is a link to another disk is in order, as long as what it leads to is", async () => {
    await home.ok(["run", "--", "true"])
    await home.ok(["stop", "--all"])
    const elsewhere = `${home.paths.home}-elsewhere`
    renameSync(home.paths.home, elsewhere)
    symlinkSync(elsewhere, home.paths.home)
    try {
      assert.deepStrictEqual(await wrong(), [])
      await home.ok(["ls"])
      assert.deepStrictEqual(await wrong(), [])
      chmodSync(elsewhere, 0o755)
      assert.deepStrictEqual(checksOf(await wrong()), ["files.mode"])
    } finally {
      await home.hob(["stop", "--all"])
      unlinkSync(home.paths.home)
      renameSync(elsewhere, home.paths.home)
    }
  })

  it("a damaged store is seen before a daemon meets it, and what that one does is said", async () => {
    await home.ok(["run", "--", "true"])
    await home.ok(["stop", "--all"])
    for (const log of ["-wal", "-shm"]) rmSync(home.paths.database + log, { force: true })
    writeFileSync(home.paths.database, "no store at all".repeat(1000))
    assert.deepStrictEqual(checksOf(await wrong()), ["stale.store"])
    await home.ok(["ls", "--all"])
    assert.deepStrictEqual(checksOf(await wrong()), ["stale.damaged-store"])
  })

  it("files that others may read or write are found, and closed by --fix, nothing else", async () => {
    const { id } = JSON.parse(await home.ok(["run", "--detach", "--json", "--", "sleep", "1000"])) as Session
    // Now that there is a home, its cache is made.
    await home.ok(["ls"])
    const session = join(home.paths.sessions, id)
    const files = [home.paths.daemonLog, join(session, "session.json"), home.paths.database]
    for (const path of files) chmodSync(path, 0o664)
    chmodSync(session, 0o755)
    chmodSync(home.paths.cache, 0o755)
    const found = await wrong()
    assert.deepStrictEqual(checksOf(found), ["files.mode", "files.mode"])
    assert.strictEqual((await report()).code, ExitCode.failure)
    assert.strictEqual(mode(session), 0o755, "looking mends nothing")
    assert.deepStrictEqual(await wrong("--fix"), [])
    for (const path of files) assert.strictEqual(mode(path), 0o600, path)
    for (const path of [session, home.paths.cache]) assert.strictEqual(mode(path), 0o700, path)
    assert.strictEqual((await home.json<Session>(["show", id])).state, "running")
  })

  it("what a killed daemon left is found and removed by --fix; what lives is left alone", async () => {
    await home.ok(["run", "--detach", "--name", "kept", "--", "sleep", "1000"])
    const pid = await home.daemonPid()
    assert.deepStrictEqual(await wrong(), [])
    process.kill(pid, "SIGKILL")
    await until("it is gone", () => !isAlive(pid))
    const left = [`${home.paths.database}.new`, `${home.paths.lockInfo}.new`, home.paths.hostState]
    for (const path of left) {
      writeFileSync(path, "{", { mode: 0o600 })
      old(path)
    }
    assert.deepStrictEqual(checksOf(await wrong()), ["stale.record", "stale.socket", "stale.temporary"])
    const { mended } = await report("--fix")
    assert.sameMembers(
      mended!.map(({ path }) => path),
      [home.paths.lockInfo, home.paths.socket, ...left]
    )
    assert.isTrue(mended!.every(({ done }) => done))
    for (const { path } of mended!) assert.isFalse(existsSync(path), path)
    assert.isTrue(existsSync(home.paths.hostSocket), "the session-host still listens there")
    assert.deepStrictEqual(await wrong(), [])
    assert.strictEqual((await home.json<Session>(["show", "kept"])).state, "running")
  })

  it("a link where a lock should be, a directory that is none, and a mistake in the configuration are told, not mended", async () => {
    mkdirSync(home.paths.home, { mode: 0o700 })
    symlinkSync("/dev/null", home.paths.lock)
    writeFileSync(home.paths.logs, "")
    writeFileSync(home.paths.config, '{"sessions": {"maxCount": 0}, "deamon": {}}', { mode: 0o600 })
    const found = await wrong("--fix")
    assert.deepStrictEqual(checksOf(found).sort(), ["config.mistake", "config.mistake", "files.kind", "files.kind"])
    for (const { mend } of found) assert.isString(mend)
    assert.isTrue(existsSync(home.paths.logs))
  })

  it("sessions' directories: one that nobody can read, a half log, a damaged end, and what a dead host left", async () => {
    const ids: Array<string> = []
    for (const name of ["a", "b", "c"]) {
      ids.push((JSON.parse(await home.ok(["run", "--detach", "--json", "--name", name, "--", "true"])) as Session).id)
      await home.ok(["wait", name])
    }
    await home.ok(["stop", "--all"])
    const [a, b, c] = ids.map((id) => join(home.paths.sessions, id)) as [string, string, string]
    writeFileSync(join(a, "session.json"), "{ not json")
    writeFileSync(join(b, "exit.json"), "")
    writeFileSync(join(c, "exit.json.new"), " ", { mode: 0o600 })
    writeFileSync(join(c, "0000000000000009-0000000000000000.out"), "", { mode: 0o600 })
    assert.sameMembers(checksOf(await wrong()), [
      "sessions.damaged",
      "sessions.damaged",
      "sessions.torn",
      "sessions.leftover"
    ])
    await home.hob(["doctor", "--fix"])
    assert.isFalse(existsSync(join(c, "exit.json.new")))
    assert.isTrue(existsSync(join(a, "session.json")), "what people may still want is theirs to remove")
  })

  it("a daemon that holds the home and does not answer", async () => {
    await home.ok(["start"])
    const pid = await home.daemonPid()
    process.kill(pid, "SIGSTOP")
    const found = await wrong("--fix")
    process.kill(pid, "SIGCONT")
    assert.deepStrictEqual(
      found.map(({ check, mend }) => [check, mend]),
      [["daemon.answers", "hob stop --force"]]
    )
  })

  it("a socket that somebody listens on is not removed, even when it was found dead", async () => {
    const { mend } = await import("../../../src/cli/doctor/mend.ts")
    const path = join(home.paths.home, "..", "s")
    const server = createServer()
    await new Promise<void>((done) => server.listen(path, done))
    assert.strictEqual((await mend({ type: "remove-socket", path })).problem, "somebody listens on it")
    assert.isTrue(existsSync(path))
    server.close()
    const link = join(home.paths.home, "..", "l")
    symlinkSync(path, link)
    assert.strictEqual((await mend({ type: "chmod", path: link, mode: 0o600 })).problem, "it is a symbolic link")
  })

  it("the limit of open files is the daemon's own, not that of whoever asks", async () => {
    const script = 'ulimit -n 300 && exec "$0" start'
    assert.strictEqual(spawnSync("/bin/sh", ["-c", script, binary], { env: home.env }).status, 0)
    const found = (await report()).findings.find(({ check }) => check === "limits.open-files")
    assert.match(found!.message, /^The daemon may have 300 files open/)
  })

  it("a hob that is not the one on the PATH", async () => {
    const other = join(home.paths.home, "..", "bin")
    mkdirSync(other)
    writeFileSync(join(other, "hob"), "#!/bin/sh\n", { mode: 0o700 })
    home.env["PATH"] = `${other}:${home.env["PATH"]}`
    assert.deepStrictEqual(checksOf(await wrong()), ["shell.path"])
  })
})
