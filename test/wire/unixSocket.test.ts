import { execFile, fork } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { once } from "node:events"
import { Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import {
  connect,
  listen,
  MAX_SOCKET_PATH_BYTES,
  prepareRunDirectory,
  SocketConnectError,
  SocketPathError,
  type UnixListener
} from "../../src/wire/unixSocket.ts"

let root: string
let listeners: Array<UnixListener>
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hob-wire-"))
  listeners = []
})
afterEach(async () => {
  await Promise.all(listeners.map((listener) => listener.stop()))
  rmSync(root, { recursive: true, force: true })
})

const greet = (word: string) => (socket: Socket) => {
  socket.on("error", () => {})
  socket.end(word)
}
const listenAt = async (path: string, word = "hello"): Promise<UnixListener> => {
  const listener = await listen(path, greet(word))
  listeners.push(listener)
  return listener
}
const nothing = (): void => {}
const said = async (path: string): Promise<string> => {
  const socket = await connect(path)
  let text = ""
  for await (const chunk of socket) text += String(chunk)
  return text
}
const problem = async (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => assert.fail("it succeeded"),
    (error: unknown) => error
  )
const thrown = (f: () => void): any => {
  try {
    f()
  } catch (error) {
    return error
  }
  assert.fail("it succeeded")
}
/** Root alone can make files that belong to somebody else. */
const asRoot = process.getuid?.() === 0 ? it : it.skip

describe("the run directory", () => {
  it("is made with its parents, for its owner alone, whatever the umask", () => {
    for (const umask of [0o000, 0o077, 0o777]) {
      const path = join(root, `u${umask}`, "a", "b")
      const before = process.umask(umask)
      try {
        prepareRunDirectory(path)
      } finally {
        process.umask(before)
      }
      for (const directory of [path, dirname(path), dirname(dirname(path))]) {
        assert.strictEqual(statSync(directory).mode & 0o777, 0o700, directory)
      }
    }
  })

  it("that is open to others is closed to them", () => {
    for (const mode of [0o777, 0o755, 0o710]) {
      chmodSync(root, mode)
      prepareRunDirectory(root)
      assert.strictEqual(statSync(root).mode & 0o777, 0o700)
    }
  })

  it("that is a link, also to a directory of ours, is refused with its path and what to do", () => {
    const link = join(root, "link")
    mkdirSync(join(root, "real"))
    for (const target of [join(root, "real"), join(root, "nowhere")]) {
      symlinkSync(target, link)
      const error = thrown(() => prepareRunDirectory(link))
      assert.instanceOf(error, SocketPathError)
      assert.strictEqual(error.reason, "is-a-link")
      assert.include(error.message, `rm ${link}`)
      rmSync(link)
    }
  })

  it("that is a file, or lies below one, is refused", () => {
    const file = join(root, "file")
    writeFileSync(file, "mine")
    assert.strictEqual(thrown(() => prepareRunDirectory(file)).reason, "not-a-directory")
    assert.strictEqual(thrown(() => prepareRunDirectory(join(file, "run"))).reason, "cannot-create")
  })

  it("under /proc is refused, not tried for ever", () => {
    const error = thrown(() => prepareRunDirectory("/proc/hob/run"))
    assert.instanceOf(error, SocketPathError)
    assert.strictEqual(error.reason, "cannot-create")
    assert.include(error.message, "/proc/hob")
  })

  asRoot("of somebody else is refused", () => {
    chownSync(root, 12345, 12345)
    const error = thrown(() => prepareRunDirectory(root))
    assert.strictEqual(error.reason, "foreign-owner")
    assert.include(error.message, "12345")
    chownSync(root, 0, 0)
  })
})

describe("a listener", () => {
  it("has a socket for its owner alone, whatever the umask, and leaves the umask as it was", async () => {
    for (const umask of [0o000, 0o022, 0o777]) {
      const path = join(root, `s${umask}`)
      const before = process.umask(umask)
      try {
        await listenAt(path)
        assert.strictEqual(process.umask(), umask)
      } finally {
        process.umask(before)
      }
      const found = lstatSync(path)
      assert.isTrue(found.isSocket())
      assert.strictEqual(found.mode & 0o777, 0o600)
    }
  })

  it("is closed to others from birth, not only from when it has its name", async () => {
    const before = process.umask(0)
    const seen: Array<number> = []
    const original = Server.prototype.listen
    Server.prototype.listen = function (...args: Array<any>) {
      seen.push(process.umask())
      return Reflect.apply(original, this, args)
    }
    try {
      await listenAt(join(root, "s"))
    } finally {
      Server.prototype.listen = original
      process.umask(before)
    }
    assert.deepStrictEqual(seen, [0o177])
  })

  it("leaves no other file behind, running or stopped", async () => {
    const path = join(root, "s")
    const listener = await listenAt(path)
    assert.deepStrictEqual(readdirSync(root), ["s"])
    await listener.stop()
    assert.deepStrictEqual(readdirSync(root), [])
    await listener.stop()
  })

  it("takes the place of a socket whose owner died", async () => {
    const path = join(root, "s")
    // A process that binds and is killed leaves its socket there.
    const child = fork(join(import.meta.dirname, "children/listenAndWait.ts"), [path])
    await new Promise((resolve) => child.once("message", resolve))
    child.kill("SIGKILL")
    await new Promise((resolve) => child.once("exit", resolve))
    assert.strictEqual((await problem(connect(path))).reason, "refused")
    await listenAt(path, "successor")
    assert.strictEqual(await said(path), "successor")
  })

  it("that ends while a connection stands in its line is refused: nobody has read anything", async () => {
    const path = join(root, "s")
    const server = new Server().listen(path)
    await once(server, "listening")
    const connecting = problem(connect(path))
    server.close()
    assert.strictEqual((await connecting).reason, "refused")
  })

  it("never takes the place of what is not a socket, and says what to do", async () => {
    const path = join(root, "s")
    const kinds: ReadonlyArray<readonly [string, () => void, SocketPathError["reason"]]> = [
      ["a file", () => writeFileSync(path, "precious"), "not-a-socket"],
      ["a directory", () => mkdirSync(path), "not-a-socket"],
      ["a dangling link", () => symlinkSync(join(root, "nowhere"), path), "is-a-link"],
      ["a link to a socket", () => symlinkSync(join(root, "other"), path), "is-a-link"]
    ]
    await listenAt(join(root, "other"), "other")
    for (const [kind, make, reason] of kinds) {
      make()
      const error = await problem(listenAt(path))
      assert.instanceOf(error, SocketPathError, kind)
      assert.strictEqual(error.reason, reason, kind)
      assert.include(error.message, path)
      assert.match(error.message, /rm|mv/)
      // Who connects is told the same.
      if (reason === "not-a-socket") assert.include((await problem(connect(path))).message, `mv ${path}`)
      assert.isTrue(lstatSync(path, { throwIfNoEntry: false }) !== undefined, kind)
      rmSync(path, { recursive: true })
    }
    assert.strictEqual(await said(join(root, "other")), "other")
  })

  asRoot("does not take the place of somebody else's socket", async () => {
    const path = join(root, "s")
    await listenAt(path)
    chownSync(path, 12345, 12345)
    assert.strictEqual((await problem(listenAt(path))).reason, "foreign-owner")
  })

  it("says which path it can't listen at when the directory is missing or not to be written", async () => {
    const error = await problem(listenAt(join(root, "missing", "s")))
    assert.instanceOf(error, SocketPathError)
    assert.include(error.message, join(root, "missing"))
  })

  it("refuses a path that is too long, with its length and the limit, its temporary name counted in", async () => {
    const longest = join(root, "x".repeat(MAX_SOCKET_PATH_BYTES - 9 - root.length - 1))
    await listenAt(longest)
    assert.strictEqual(await said(longest), "hello")
    const error = await problem(listenAt(`${longest}y`))
    assert.strictEqual(error.reason, "too-long")
    assert.include(error.message, `${longest.length + 1} bytes`)
    assert.include(error.message, String(MAX_SOCKET_PATH_BYTES - 9))
    const bytes = join(root, "é".repeat(50))
    assert.strictEqual((await problem(listenAt(bytes))).reason, "too-long")
    const unreachable = await problem(connect("/".padEnd(MAX_SOCKET_PATH_BYTES + 1, "x")))
    assert.strictEqual(unreachable.reason, "too-long")
  })

  it("that closes late does not remove its successor's socket", async () => {
    const path = join(root, "s")
    const old = await listenAt(path, "old")
    await listenAt(path, "new")
    await old.stop()
    assert.strictEqual(await said(path), "new")
    assert.deepStrictEqual(readdirSync(root), ["s"])
  })

  it("whose file was removed or replaced by hand stops without harm", async () => {
    const path = join(root, "s")
    const listener = await listenAt(path)
    rmSync(path)
    writeFileSync(path, "somebody's")
    await listener.stop()
    assert.isTrue(existsSync(path))
  })

  it("clears away temporary names that were abandoned, and no others", async () => {
    const path = join(root, "s")
    const old = new Date(Date.now() - 3_600_000)
    for (const name of ["s.abandon1", "s.abandon2", "s.toolongname", "other.12345678"]) {
      const made = await listenAt(join(root, `${name}.x`.slice(0, -2)))
      assert.isTrue(existsSync(made.path))
    }
    for (const name of ["s.abandon1", "s.toolongname", "other.12345678"]) utimesSync(join(root, name), old, old)
    writeFileSync(join(root, "s.notasock"), "")
    utimesSync(join(root, "s.notasock"), old, old)
    await listenAt(path)
    assert.deepStrictEqual(readdirSync(root).toSorted(), [
      "other.12345678",
      "s",
      "s.abandon2",
      "s.notasock",
      "s.toolongname"
    ])
  })

  it("hands over 100 times under clients in a loop: nobody finds nothing, hardly anybody is reset", async () => {
    const path = join(root, "s")
    let served = 0
    let wanted = 0
    let enough = nothing
    const serve = async (word: string): Promise<UnixListener> => {
      const listener = await listen(path, (socket) => {
        greet(word)(socket)
        if (++served >= wanted) enough()
      })
      listeners.push(listener)
      return listener
    }
    let current = await serve("hello")
    const clients = fork(join(import.meta.dirname, "children/loopingClients.ts"), [path, "20"])
    const message = () => new Promise<any>((resolve) => clients.once("message", resolve))
    await message()
    for (let i = 0; i < 100; i++) {
      const next = await serve(`hello ${i}`)
      await current.stop()
      current = next
      wanted = served + 30
      await new Promise<void>((resolve) => (enough = resolve))
    }
    clients.send("stop")
    const { good, ...errors } = await message()
    const resets = (errors["ECONNRESET"] ?? 0) + (errors["EPIPE"] ?? 0)
    assert.isAbove(good, 2500)
    assert.isAtMost(resets, good * 0.001, JSON.stringify(errors))
    for (const error of Object.keys(errors)) assert.include(["ECONNRESET", "EPIPE"], error, JSON.stringify(errors))
  })
})

describe("connecting", () => {
  it("tells nothing there from nobody listening from no socket", async () => {
    const path = join(root, "s")
    const missing = await problem(connect(path))
    assert.instanceOf(missing, SocketConnectError)
    assert.strictEqual(missing.reason, "missing")
    writeFileSync(path, "")
    assert.strictEqual((await problem(connect(path))).reason, "not-a-socket")
    assert.strictEqual((await problem(connect(join(path, "below")))).reason, "missing")
    assert.include(missing.message, path)
  })

  asRoot("is not done to a socket of somebody else", async () => {
    const path = join(root, "s")
    await listenAt(path)
    chownSync(path, 12345, 12345)
    const error = await problem(connect(path))
    assert.strictEqual(error.reason, "foreign-owner")
    assert.include(error.message, "12345")
  })

  const onLinux = process.platform === "linux" ? it : it.skip
  onLinux("goes on while the backlog is full, and gives up in the end", async () => {
    const path = join(root, "s")
    const child = fork(join(import.meta.dirname, "children/busyListener.ts"), [path])
    await new Promise((resolve) => child.once("message", resolve))
    try {
      child.kill("SIGSTOP")
      while (!/^\d+ \(.*\) T /.test(readFileSync(`/proc/${child.pid}/stat`, "utf8")));
      const held = await Promise.all([connect(path), connect(path)])
      const busy = await problem(connect(path, { timeoutMillis: 50 }))
      assert.strictEqual(busy.reason, "busy")
      const patient = connect(path, { timeoutMillis: 60_000 })
      child.kill("SIGCONT")
      for (const socket of [...held, await patient]) socket.destroy()
    } finally {
      child.kill("SIGKILL")
    }
  })
})

describe("permissions", () => {
  asRoot("keep other users out", async () => {
    const path = join(root, "run", "s")
    prepareRunDirectory(dirname(path))
    await listenAt(path)
    chmodSync(root, 0o755)
    const script = `require("node:net").connect(${JSON.stringify(path)}).on("error", (e) => console.log(e.code)).on("connect", () => console.log("in"))`
    const run = promisify(execFile)
    const other = await run(process.execPath, ["-e", script], { uid: 12345, gid: 12345, cwd: "/" })
    assert.strictEqual(other.stdout.trim(), "EACCES")
    chmodSync(dirname(path), 0o755)
    const open = await run(process.execPath, ["-e", script], { uid: 12345, gid: 12345, cwd: "/" })
    assert.strictEqual(open.stdout.trim(), "EACCES")
  })
})
