import { assert, describe, it } from "vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isDaemonAlive, ownRecord, readDaemonRecord, writeDaemonRecord } from "../../src/config/daemonRecord.ts"
import { bootIdFromSysctl, fromPs, identityOf, isAlive } from "../../src/config/processIdentity.ts"
import { needs } from "../support/needs.ts"

/** A program that has said its first line, and what it said. */
const started = async (command: string, ...args: ReadonlyArray<string>) => {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] })
  const [line] = (await once(child.stdout, "data")) as [Buffer]
  const end = async () => {
    const exit = once(child, "exit")
    child.kill("SIGKILL")
    await exit
  }
  return { child, pid: child.pid!, line: line.toString().trim(), end }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe("a process", () => {
  it("is itself until it ends, whatever it calls itself", async () => {
    const strange = 'process.title = "a) S 1 (b"; console.log("there"); setInterval(() => {}, 1000)'
    const { end, pid } = await started(process.execPath, "-e", strange)
    const identity = identityOf(pid)!
    assert.isTrue(isAlive(identity))
    assert.match(identity.startTime, /^\d+$/)
    await end()
    assert.isFalse(isAlive(identity))
    assert.isNull(identityOf(pid))
  })

  it("is not one that was given its pid later, nor one of another boot", () => {
    const own = identityOf(process.pid)!
    assert.isTrue(isAlive(own))
    assert.isFalse(isAlive({ ...own, startTime: String(Number(own.startTime) - 1) }))
    assert.isFalse(isAlive({ ...own, bootId: "another" }))
  })

  it("is gone when it has ended, though nobody has waited for it", async () => {
    // The shell becomes a program that does not wait for its child, and only then the child ends.
    const script = "exec 3<&0; (read line <&3; exit 0) & echo $!; exec 3<&-; exec sleep 1000"
    const { child, end, line } = await started("sh", "-c", script)
    try {
      const pid = Number(line)
      while (fs.readFileSync(`/proc/${child.pid}/comm`, "latin1") !== "sleep\n") await turn()
      assert.isNotNull(identityOf(pid))
      child.stdin.end()
      while (!/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, "latin1"))) await turn()
      assert.isNull(identityOf(pid))
    } finally {
      await end()
    }
  })

  it("can't have a pid that is none", () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) assert.isNull(identityOf(pid))
  })

  needs("ps")("is told apart by the date of its start where there is no /proc", async () => {
    const { end, pid } = await started("sh", "-c", "echo there; exec sleep 1000")
    try {
      assert.match(fromPs(pid)!.startTime, /^\w{3} \w{3} +\d+ [\d:]{8} \d{4}$/)
      assert.deepStrictEqual(fromPs(pid), fromPs(pid))
    } finally {
      await end()
    }
    assert.isNull(fromPs(pid))
  })
})

describe("the boot of a machine without /proc", () => {
  it("is what sysctl says, and has no name where it says nothing", () => {
    const directory = fs.mkdtempSync(join(tmpdir(), "hob-sysctl-"))
    const sysctl = (script: string) => {
      const path = join(directory, "sysctl")
      fs.writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
      return path
    }
    assert.strictEqual(bootIdFromSysctl(sysctl('[ "$*" = "-n kern.bootsessionuuid" ] && echo 6F9619FF')), "6F9619FF")
    assert.isNull(bootIdFromSysctl(sysctl("true")))
    assert.isNull(bootIdFromSysctl(sysctl("echo unknown oid >&2; exit 1")))
    assert.isNull(bootIdFromSysctl(join(directory, "none")))
    fs.rmSync(directory, { recursive: true })
  })
})

const inHome = (use: (path: string) => void) => {
  const home = fs.mkdtempSync(join(tmpdir(), "hob-record-"))
  try {
    use(join(home, "daemon.json"))
  } finally {
    fs.rmSync(home, { recursive: true })
  }
}

describe("the daemon's record", () => {
  it("says who it is, is read back, and is closed to others", () =>
    inHome((path) => {
      const record = ownRecord({ socket: "/x/hob.sock" })
      writeDaemonRecord(path, record)
      writeDaemonRecord(path, record)
      assert.deepStrictEqual(readDaemonRecord(path), record)
      assert.isTrue(isDaemonAlive(record))
      assert.strictEqual(record.pid, process.pid)
      assert.strictEqual(fs.statSync(path).mode & 0o777, 0o600)
      assert.deepStrictEqual(fs.readdirSync(join(path, "..")), ["daemon.json"])
    }))

  it("is nothing when it is missing, empty, not JSON, of other types, or a directory", () =>
    inHome((path) => {
      assert.isNull(readDaemonRecord(path))
      for (const text of [
        "",
        "{",
        "null",
        "[]",
        '"x"',
        '{"pid": 1}',
        JSON.stringify({ ...ownRecord({ socket: "" }), pid: "1" })
      ]) {
        fs.writeFileSync(path, text)
        assert.isNull(readDaemonRecord(path), text)
      }
      fs.rmSync(path)
      fs.mkdirSync(path)
      assert.isNull(readDaemonRecord(path))
    }))

  it("of a newer hob, with fields that this one does not know, is read all the same", () =>
    inHome((path) => {
      const record = ownRecord({ socket: "/x" })
      fs.writeFileSync(path, JSON.stringify({ ...record, novelty: 1 }))
      assert.deepStrictEqual(readDaemonRecord(path), record)
    }))
})
