import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeFiles } from "../../src/secrets/files.ts"
import { type KeyStoreOptions, makeKeyStore } from "../../src/secrets/keyStore.ts"
import { make } from "../../src/secrets/Secrets.ts"
import { secretPaths } from "../../src/config/secretPaths.ts"
import { directory } from "../capture/support.ts"
import { needs } from "../support/needs.ts"
import { startKeyring } from "./keyring.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const secret = (text: string) => Redacted.make(bytes(text))
const text = (found: Redacted.Redacted<Uint8Array> | null) =>
  found === null ? null : new TextDecoder().decode(Redacted.value(found))

/** The secrets of a home, in a place that can be changed. */
const secretsOf = (home: string, keyStore: KeyStoreOptions) => {
  const place = { store: "file" as "file" | "keystore" }
  mkdirSync(home, { recursive: true })
  const secrets = make({
    home,
    files: makeFiles((name) => secretPaths(home, name).file),
    keyStore: makeKeyStore(home, keyStore),
    store: Effect.sync(() => place.store)
  })
  return { place, ...secrets }
}

const none: KeyStoreOptions = { env: { PATH: "/nonexistent" }, platform: "linux" }

/** What every place promises. */
const keeps = ({ place, read, readOrMake, remove, write }: ReturnType<typeof secretsOf>, store: "file" | "keystore") =>
  Effect.gen(function* () {
    place.store = store
    assert.isNull(yield* read("upstreams/nas"))
    assert.strictEqual(text(yield* readOrMake("upstreams/nas", () => bytes("first\n"))), "first\n")
    assert.strictEqual(text(yield* readOrMake("upstreams/nas", () => bytes("second"))), "first\n")
    yield* write("upstreams/nas", secret("third: \"é'\\$(x)\0"))
    yield* write("upstreams/other", secret("other"))
    assert.strictEqual(text(yield* read("upstreams/nas")), "third: \"é'\\$(x)\0")
    yield* remove("upstreams/nas")
    yield* remove("upstreams/nas")
    assert.isNull(yield* read("upstreams/nas"))
    assert.strictEqual(text(yield* read("upstreams/other")), "other")
  })

/** What is kept in one place is moved to the other when the setting says so, and back. */
const moves = (home: string, { place, read, write }: ReturnType<typeof secretsOf>) =>
  Effect.gen(function* () {
    const { file, mark } = secretPaths(home, "capture.key")
    const where = () => [existsSync(file), existsSync(mark)]
    place.store = "file"
    yield* write("capture.key", secret("the key"))
    assert.deepStrictEqual(where(), [true, false])
    for (const [store, expected] of [
      ["keystore", [false, true]],
      ["file", [true, false]],
      ["keystore", [false, true]]
    ] as const) {
      place.store = store
      assert.strictEqual(text(yield* read("capture.key")), "the key")
      assert.deepStrictEqual(where(), [...expected])
    }
  })

describe("secrets in files", () => {
  it.live("are kept, replaced and removed, readable by their owner alone", () =>
    Effect.gen(function* () {
      const home = yield* directory
      const secrets = secretsOf(home, none)
      yield* keeps(secrets, "file")
      const { file } = secretPaths(home, "upstreams/other")
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(statSync(join(file, "..")).mode & 0o777, 0o700)
    }).pipe(Effect.scoped)
  )

  it.live("are refused where others may read them, and through links", () =>
    Effect.gen(function* () {
      const home = yield* directory
      const { read, write } = secretsOf(home, none)
      yield* write("capture.key", secret("x"))
      const { file } = secretPaths(home, "capture.key")
      chmodSync(file, 0o640)
      const open = yield* Effect.flip(read("capture.key"))
      assert.strictEqual(
        open.message,
        `The secret capture.key can't be used: others may read or own ${file}, so it is no secret. Make it yours alone: chmod 600.`
      )
      rmSync(file)
      writeFileSync(join(home, "elsewhere"), "x", { mode: 0o600 })
      symlinkSync(join(home, "elsewhere"), file)
      assert.include((yield* Effect.flip(read("capture.key"))).message, "is a link")
      for (const name of ["../x", "a/b/c", "", "a/../b", "x\n", ".hidden"])
        assert.throws(() => secretPaths(home, name), "not the name", name)
    }).pipe(Effect.scoped)
  )
})

describe("secrets in the Secret Service", () => {
  const real = needs("secret-tool", "gnome-keyring-daemon", "dbus-run-session")

  real(
    "are kept, replaced, removed and moved, and are on no command line",
    () =>
      Effect.gen(function* () {
        const at = yield* directory
        const keyring = yield* Effect.acquireRelease(
          Effect.promise(() => startKeyring(at)),
          ({ stop }) => Effect.promise(stop)
        )
        const secrets = secretsOf(join(at, "home"), { env: keyring.env, platform: "linux" })
        yield* keeps(secrets, "keystore")
        yield* moves(join(at, "home"), secrets)
        const used = readFileSync(keyring.argumentsFile, "utf8")
        assert.include(used, "store")
        for (const plain of ["first\n", "third: ", "other", "the key"])
          assert.notInclude(used, Buffer.from(plain).toString("base64").slice(0, 6))
        // Another home's are others.
        assert.isNull(yield* secretsOf(join(at, "home2"), { env: keyring.env, platform: "linux" }).read("capture.key"))
        yield* Effect.promise(keyring.stop)
        const gone = yield* Effect.flip(secrets.read("capture.key"))
        assert.include(gone.message, "Unlock it")
        // Never a new one in the place of one that can't be had.
        assert.include((yield* Effect.flip(secrets.readOrMake("capture.key", () => bytes("new")))).message, "Unlock it")
      }).pipe(Effect.scoped, Effect.runPromise),
    300_000
  )

  it.live("without the program for it can't be used, and say what is missing", () =>
    Effect.gen(function* () {
      const secrets = secretsOf(yield* directory, none)
      secrets.place.store = "keystore"
      assert.include(
        (yield* Effect.flip(secrets.write("capture.key", secret("x")))).message,
        'secret-tool is not there: the package libsecret-tools (libsecret on some systems) has it. Else set secrets.store to "file".'
      )
      assert.isNull(yield* secrets.read("capture.key"))
    }).pipe(Effect.scoped)
  )
})

/** Speaks the arguments that hob uses, and `-i`, as its manual describes them: the keychain itself is on a Mac alone. */
const SECURITY = `#!/usr/bin/env node
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require("node:fs")
const file = process.env.KEYCHAIN
const items = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}
appendFileSync(file + ".arguments", process.argv.slice(2).join(" ") + "\\n")
const run = (words) => {
  const at = (flag) => words[words.indexOf(flag) + 1]
  const key = at("-s") + " " + at("-a")
  if (words[0] === "add-generic-password") {
    if (key in items && !words.includes("-U")) return 45
    items[key] = at("-w")
  } else if (!(key in items)) {
    process.stderr.write("security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain.\\n")
    return 44
  } else if (words[0] === "find-generic-password") process.stdout.write(items[key] + "\\n")
  else if (words[0] === "delete-generic-password") delete items[key]
  else return 2
  writeFileSync(file, JSON.stringify(items))
  return 0
}
const [first] = process.argv.slice(2)
process.exitCode =
  first === "-i"
    ? readFileSync(0, "utf8").trim().split("\\n").map((line) => run(line.split(" "))).at(-1)
    : run(process.argv.slice(2))
`

describe("secrets in the keychain of macOS (a stand-in for its program: no Mac here)", () => {
  it.live(
    "are kept, replaced, removed and moved, and are on no command line",
    () =>
      Effect.gen(function* () {
        const at = yield* directory
        const [security, keychain] = [join(at, "security"), join(at, "keychain")]
        writeFileSync(security, SECURITY, { mode: 0o755 })
        const secrets = secretsOf(join(at, "home"), {
          platform: "darwin",
          security,
          env: { PATH: process.env["PATH"], KEYCHAIN: keychain }
        })
        yield* keeps(secrets, "keystore")
        yield* moves(join(at, "home"), secrets)
        const used = readFileSync(`${keychain}.arguments`, "utf8")
        for (const plain of ["first\n", "third: ", "other", "the key"])
          assert.notInclude(used, Buffer.from(plain).toString("base64").slice(0, 6))
        assert.include((yield* Effect.flip(secrets.write("capture.key", secret("x".repeat(3000))))).message, "2048")
      }).pipe(Effect.scoped),
    300_000
  )
})
