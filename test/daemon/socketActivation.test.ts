import { type ChildProcess, spawn } from "node:child_process"
import { lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { createInterface } from "node:readline"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { ensureDaemon } from "../../src/client/start.ts"
import { servicePaths } from "../../src/config/servicePaths.ts"
import { takePassed } from "../../src/daemon/serviceManager.ts"
import type { Session } from "../../src/protocol/sessions.ts"
import { descriptorAt, passedDescriptors } from "../../src/wire/passedSocket.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"
import { needs } from "../support/needs.ts"

const daemonProgram = resolve(import.meta.dirname, "../../dist/daemon.js")

/**
 * Holds a listening socket and never accepts, as a service manager does; each line on standard input starts a process
 * that gets it as descriptor 3, and its pid is printed.
 */
const holder = String.raw`
use IO::Socket::UNIX; use POSIX;
$^F = 3; $| = 1; $SIG{CHLD} = "IGNORE"; umask 0177;
my $socket = IO::Socket::UNIX->new(Local => shift, Listen => 4096) or die;
umask 022;
print "listening\n";
while (<STDIN>) {
  my $pid = fork;
  if ($pid) { print "$pid\n"; next }
  POSIX::dup2(fileno($socket), 3) if fileno($socket) != 3;
  $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_FDNAMES} = "hob";
  exec @ARGV;
}
`

describe("what a service manager passes on", () => {
  it("counts for the process it is meant for, and for no other", () => {
    const env = { LISTEN_FDS: "2", LISTEN_PID: "17" }
    assert.deepStrictEqual(passedDescriptors(env, 17), [3, 4])
    assert.deepStrictEqual(passedDescriptors(env, 18), [])
    for (const LISTEN_FDS of ["", "0", "-1", "1.5", "many", "100000"]) {
      assert.deepStrictEqual(passedDescriptors({ ...env, LISTEN_FDS }, 17), [], LISTEN_FDS)
    }
    assert.deepStrictEqual(passedDescriptors({}, 17), [])
  })

  it("is taken out of the environment, so that no child believes to be meant", () => {
    const env = { LISTEN_FDS: "1", LISTEN_PID: "17", LISTEN_FDNAMES: "hob", NOTIFY_SOCKET: "/n", KEPT: "1" }
    assert.strictEqual(takePassed(env, 17, { socket: "/no/such/socket" }).notifySocket, "/n")
    assert.deepStrictEqual(env, { KEPT: "1" } as never)
  })

  it("is looked at: a descriptor that is no socket, or one that is bound elsewhere, is not the daemon's", () => {
    assert.isNull(descriptorAt([0, 1, 2, 999], "/no/such/socket"))
  })
})

describe("a daemon that was passed its socket", () => {
  let home: Home
  let manager: ChildProcess
  let lines: AsyncIterator<string>
  beforeEach(() => {
    home = makeHome()
    mkdirSync(home.paths.run, { recursive: true, mode: 0o700 })
  })
  afterEach(async () => {
    manager?.kill("SIGKILL")
    await home.destroy()
  })

  const hold = async (): Promise<void> => {
    const command = ["-e", holder, home.paths.socket, process.execPath, daemonProgram]
    manager = spawn("perl", command, { env: home.env, stdio: ["pipe", "pipe", "inherit"] })
    lines = createInterface({ input: manager.stdout! })[Symbol.asyncIterator]()
    assert.strictEqual((await lines.next()).value, "listening")
  }
  const activate = async (): Promise<number> => {
    manager.stdin!.write("start\n")
    return Number((await lines.next()).value)
  }
  const file = () => lstatSync(home.paths.socket, { bigint: true }).ino
  const log = () => readFileSync(home.paths.daemonLog, "utf8")

  needs("perl")("accepts on it, and leaves it where it is for the next one", async () => {
    await hold()
    const before = file()
    const first = await activate()
    assert.strictEqual(await home.daemonPid(), first)
    await home.ok(["stop"])
    assert.strictEqual(file(), before)
    // Nobody accepts now; who asks waits in the socket, and is answered by whoever comes next.
    const waiting = home.ok(["ls", "--json"])
    const second = await activate()
    assert.deepStrictEqual(JSON.parse(await waiting), { sessions: [] })
    assert.notStrictEqual(second, first)
    assert.strictEqual(await home.daemonPid(), second)
    assert.strictEqual(file(), before)
  })

  needs("perl")("is not connected to by a client that is to start nothing, while no daemon runs", async () => {
    await hold()
    const unit = servicePaths(home.paths, home.env).systemdSocket
    mkdirSync(dirname(unit), { recursive: true })
    writeFileSync(unit, "")
    const ask = () =>
      ensureDaemon({ paths: home.paths, start: false, env: home.env }).then(
        ({ socket }) => socket,
        (error: Error) => error.name
      )
    assert.strictEqual(await ask(), "NotRunning")
    // Whoever had connected would stand in line there.
    const ends = readFileSync("/proc/net/unix", "utf8").split("\n")
    assert.lengthOf(
      ends.filter((line) => line.endsWith(` ${home.paths.socket}`)),
      1
    )
    await activate()
    await until("it has a daemon", async () => (await ask()) === home.paths.socket)
  })

  needs("perl")("keeps it to itself: neither the session-host nor a session has it, or believes to", async () => {
    await hold()
    await activate()
    const { id } = JSON.parse(
      await home.ok(["run", "--detach", "--json", "--", "sh", "-c", "env; exec sleep 1000"])
    ) as Session
    await until("it has printed", async () => (await home.ok(["output", id])).includes("HOB_SESSION_ID"))
    assert.notMatch(await home.ok(["output", id]), /LISTEN_|NOTIFY_/)
    const host = await home.hostPid()
    assert.notMatch(readFileSync(`/proc/${host}/environ`, "latin1"), /LISTEN_|NOTIFY_/)
    const inode = /(\d+) \S*hob\.sock$/m.exec(
      readFileSync("/proc/net/unix", "utf8")
        .split("\n")
        .find((line) => line.endsWith(home.paths.socket))!
    )![1]
    for (const fd of [0, 1, 2, 3, 4, 5]) {
      let target = ""
      try {
        target = readlinkSync(`/proc/${host}/fd/${fd}`)
      } catch {
        continue
      }
      assert.notStrictEqual(target, `socket:[${inode}]`)
    }
  })

  needs("perl")(
    "has a daemon stop that holds the home and can't be reached any more, and finds its sessions",
    async () => {
      await home.ok(["run", "--detach", "--name", "kept", "--", "sleep", "1000"])
      const old = await home.daemonPid()
      // Or it would put its own there again first.
      process.kill(old, "SIGSTOP")
      rmSync(home.paths.socket)
      await hold()
      process.kill(old, "SIGCONT")
      const pid = await activate()
      const { sessions } = await home.json<{ sessions: ReadonlyArray<Session> }>(["ls"])
      assert.deepStrictEqual(
        sessions.map(({ name, state }) => [name, state]),
        [["kept", "running"]]
      )
      assert.strictEqual(await home.daemonPid(), pid)
      assert.isFalse(isAlive(old))
      assert.include(log(), `the daemon ${old} has the home and not the socket`)
    }
  )

  needs("perl")("listens by itself when the path does not lead to what it was passed", async () => {
    await hold()
    const held = { manager, lines }
    rmSync(home.paths.socket)
    // Somebody else's socket takes its place, and dies.
    await hold()
    const gone = new Promise((done) => manager.once("exit", done))
    manager.kill("SIGKILL")
    await gone
    ;({ manager, lines } = held)
    const pid = await activate()
    await until("it answers", async () => (await home.hob(["ls", "--no-start"])).code === 0)
    assert.strictEqual(await home.daemonPid(), pid)
    assert.include(log(), "the socket that was passed is not used")
  })

  needs("systemd-socket-activate")("is started by systemd's own tool when a client connects", async () => {
    const args = ["--listen", home.paths.socket, "-E", "HOB_HOME", "-E", "HOME", "-E", "PATH"]
    manager = spawn("systemd-socket-activate", [...args, process.execPath, daemonProgram], {
      env: home.env,
      stdio: "ignore"
    })
    // Its file is there before: whoever connects then is refused.
    const listens = new RegExp(`^\\S+ \\S+ \\S+ 00010000 .* ${home.paths.socket}$`, "m")
    await until("it listens", () => listens.test(readFileSync("/proc/net/unix", "utf8")))
    const before = file()
    assert.deepStrictEqual(await home.json(["ls"]), { sessions: [] })
    assert.strictEqual(await home.daemonPid(), manager.pid)
    assert.strictEqual(file(), before)
  })
})
