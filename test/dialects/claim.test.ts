import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { claim } from "../../src/dialects/claim.ts"
import { candidates } from "../../src/dialects/whoListens.ts"
import { kill, stranger, strangerLikeHob, temporary } from "./support.ts"

const answers = (path: string) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(path)
    socket.on("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.on("error", () => resume(Effect.succeed(false)))
  })

const claimed = (path: string) => claim(path, (socket) => void socket.destroy())
const refused = (path: string) =>
  Effect.map(Effect.flip(Effect.scoped(claimed(path))), ({ pid, reason }) => ({ pid, reason }))

describe("the path of a dialect", () => {
  it.live("is listened on when it is free, closed to others, and free again afterwards", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "its/directory/daemon.sock")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { isOurs } = yield* claimed(path)
          assert.isTrue(yield* answers(path))
          assert.isTrue(isOurs())
          assert.strictEqual(statSync(path).mode & 0o777, 0o600)
          assert.strictEqual(statSync(join(path, "..")).mode & 0o777, 0o700)
        })
      )
      assert.isFalse(existsSync(path))
    }).pipe(Effect.scoped)
  )

  for (const [how, start] of [
    ["another program", (path: string) => stranger(path)],
    ["a program that named it from its own directory", (path: string) => stranger(path, "relative")],
    ["another hob, which renames its socket into place", strangerLikeHob]
  ] as const) {
    it.live(`is left to ${how} that answers there, and its pid named`, () =>
      Effect.gen(function* () {
        const path = join(yield* temporary, "daemon.sock")
        const child = yield* start(path)
        const before = lstatSync(path).ino
        const { pid, reason } = yield* refused(path)
        assert.strictEqual(pid, child.pid)
        assert.include(reason, `pid ${child.pid}`)
        assert.include(reason, path)
        assert.strictEqual(lstatSync(path).ino, before)
        assert.isTrue(yield* answers(path))
      }).pipe(Effect.scoped)
    )
  }

  it.live("is taken where the one that listened was killed", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "daemon.sock")
      yield* kill(yield* stranger(path))
      assert.isTrue(existsSync(path))
      assert.isFalse(yield* answers(path))
      yield* claimed(path)
      assert.isTrue(yield* answers(path))
    }).pipe(Effect.scoped)
  )

  it.live("is left as it is where hob did not make what lies there", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const path = join(directory, "daemon.sock")
      writeFileSync(path, "somebody's")
      assert.match((yield* refused(path)).reason, /is a file that is not a socket.*leaves it alone/)
      assert.strictEqual(statSync(path).size, 10)
      rmSync(path)
      mkdirSync(path)
      assert.match((yield* refused(path)).reason, /is a directory/)
      rmSync(path, { recursive: true })
      symlinkSync(join(directory, "nowhere"), path)
      assert.match((yield* refused(path)).reason, /is a symbolic link/)
      assert.isTrue(lstatSync(path).isSymbolicLink())
      writeFileSync(join(directory, "file"), "")
      assert.match((yield* refused(join(directory, "file/daemon.sock"))).reason, /not a directory/)
    }).pipe(Effect.scoped)
  )

  it.live("that is too long for a socket is told, with the length it may have", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "x".repeat(80), "daemon.sock")
      const { pid, reason } = yield* refused(path)
      assert.isNull(pid)
      assert.include(reason, `${path.length} bytes long`)
      assert.match(reason, /shorter home directory/)
    }).pipe(Effect.scoped)
  )

  it.live("is not ours any more when another socket or none lies there", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "daemon.sock")
      const first = yield* claimed(path)
      yield* strangerLikeHob(path)
      assert.isFalse(first.isOurs())
      rmSync(path)
      assert.isFalse(first.isOurs())
    }).pipe(Effect.scoped)
  )
})

describe("the kernel's table of sockets", () => {
  it("is read for those that listen under this name, or under the one that hob binds first", () => {
    const table = [
      "Num       RefCount Protocol Flags    Type St Inode Path",
      "0000: 00000002 00000000 00010000 0001 01 101 /a/daemon.sock",
      "0000: 00000003 00000000 00000000 0001 03 102 /a/daemon.sock",
      "0000: 00000002 00000000 00010000 0001 01 103 /a/daemon.sock.0a1b2c3d",
      "0000: 00000002 00000000 00010000 0001 01 104 /a/daemon.sock.bak",
      "0000: 00000002 00000000 00010000 0001 01 105 @/a/other.sock",
      "0000: 00000002 00000000 00010000 0001 01 106 ./daemon.sock",
      "0000: 00000002 00000000 00010000 0001 01 107 /with two words/daemon.sock",
      "0000: 00000002 00000000 00010000 0001 01 108"
    ].join("\n")
    assert.deepStrictEqual(
      candidates(table, "/a/daemon.sock").map(({ inode, name }) => `${inode} ${name}`),
      ["101 /a/daemon.sock", "103 /a/daemon.sock.0a1b2c3d", "106 ./daemon.sock", "107 /with two words/daemon.sock"]
    )
  })
})
