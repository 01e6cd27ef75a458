import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import { chmodSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { examples } from "../masking/secrets.ts"
import { directory, open, repository } from "./support.ts"

const day = 24 * 3600 * 1000

describe("a capture", () => {
  it.effect("holds what was said and changed, in order, and is there again after a restart", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const repo = repository(join(at, "a repo\nwith Ünicode"))
      const first = yield* open(at)
      const { id } = yield* first.captures.create({
        tool: "claude-code",
        cwd: repo,
        metadata: { model: "m", temperature: 0.2 }
      })
      assert.match(id, /^[0-9a-f]{16}$/)
      yield* first.add(id, "Add a login form")
      yield* first.add(id, "Done.", { role: "assistant" })
      yield* first.captures.addCodeChange({
        capture: id,
        path: join(repo, "src/a.ts"),
        before: "one\n",
        after: "two\n"
      })
      assert.deepStrictEqual(first.events(), ["created", "message", "message", "codeChange"])
      yield* first.stop
      const { captures } = yield* open(at)
      const { capture, entries, metadata, next } = yield* captures.show({ capture: id.slice(0, 8) })
      assert.deepInclude(capture, {
        id,
        tool: "claude-code",
        repository: repo,
        branch: "main",
        state: "open",
        messages: 2,
        codeChanges: 1,
        unsaved: 3
      })
      assert.deepStrictEqual(metadata, { model: "m", temperature: 0.2 })
      assert.isNull(next)
      assert.deepStrictEqual(
        entries.map((entry) =>
          entry.type === "message"
            ? [entry.seq, entry.role, entry.content]
            : [entry.seq, entry.path, entry.kind, entry.diff]
        ),
        [
          [1, "user", "Add a login form"],
          [2, "assistant", "Done."],
          [3, "src/a.ts", "modified", "@@ -1 +1 @@\n-one\n+two\n"]
        ]
      )
      assert.lengthOf(yield* captures.list(), 1)
      assert.lengthOf(yield* captures.list({ repository: at }), 0)
    }).pipe(Effect.scoped)
  )

  it.effect("that is not there, or not the only one of that beginning, is told so", () =>
    Effect.gen(function* () {
      const { add, captures } = yield* open(yield* directory)
      const made = yield* Effect.forEach(Array.from({ length: 300 }), () => captures.create({ tool: "t" }))
      assert.strictEqual((yield* Effect.flip(add("00112233445566ff", "x")))._tag, "CaptureNotFound")
      const [a, b] = made
        .map(({ id }) => id.slice(0, 2))
        .toSorted()
        .filter((part, index, all) => part === all[index + 1])
      assert.isDefined(a ?? b)
      const error = yield* Effect.flip(captures.show({ capture: a! }))
      assert.strictEqual(error._tag, "CaptureAmbiguous")
    }).pipe(Effect.scoped)
  )

  it.effect("is cut where a text is too long, and says so; a secret on the cut is not half there", () =>
    Effect.gen(function* () {
      const { add, captures } = yield* open(yield* directory, { messageBytes: 1024, captureBytes: 64 * 1024 })
      const { id } = yield* captures.create({ tool: "t" })
      const secret = `gh${"p_"}${"aB3".repeat(12)}`
      const answer = yield* add(id, `${"é".repeat(500)} ${secret} ${"x".repeat(100_000)}`)
      assert.deepInclude(answer, { seq: 1, cut: true, masked: 1, leftOut: null })
      const { capture, entries } = yield* captures.show({ capture: id })
      const [entry] = entries
      assert.strictEqual(entry!.type, "message")
      const content = entry!.type === "message" ? entry!.content : ""
      assert.match(content, /^é{500} \[masked: github\] x*\n\[cut: \d+ more bytes\]$/)
      assert.notInclude(content, "aB3")
      assert.isAbove(entry!.cutBytes, 99_000)
      assert.deepInclude(capture, { cut: 1, masked: 1 })
      for (let count = 0; count < 100; count++) yield* add(id, "y".repeat(1000))
      const full = yield* add(id, "y".repeat(1000))
      assert.deepInclude(full, { seq: null, leftOut: "full" })
      assert.isAbove((yield* captures.show({ capture: id })).capture.dropped, 30)
    }).pipe(Effect.scoped)
  )

  it.effect("leaves out files that are excluded, and refuses those outside of its repository, behind links too", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const repo = repository(join(at, "repo"))
      const { captures } = yield* open(at)
      const { id } = yield* captures.create({ tool: "t", cwd: repo })
      const change = (path: string) => captures.addCodeChange({ capture: id, path, before: null, after: "x\n" })
      for (const path of [
        ".env",
        "config/.env.local",
        "src/MySecrets.ts",
        "secrets/a.txt",
        "keys/id_rsa.pub",
        "api-key.txt"
      ]) {
        assert.deepInclude(yield* change(path), { seq: null, leftOut: "excluded" }, path)
      }
      symlinkSync(at, join(repo, "out"))
      for (const path of ["../other.ts", "/etc/passwd", "src/../../x", "out/x.ts", repo]) {
        assert.strictEqual((yield* Effect.flip(change(path)))._tag, "PathOutsideRepository", path)
      }
      assert.deepInclude(yield* change("src/environment.ts"), { seq: 1, leftOut: null })
      const { capture } = yield* captures.show({ capture: id })
      assert.deepInclude(capture, { codeChanges: 1, excluded: 11 })
    }).pipe(Effect.scoped)
  )

  it.effect("is closed when nothing is heard of it, opens again, and is forgotten in the end", () =>
    Effect.gen(function* () {
      const { add, captures, said } = yield* open(yield* directory, { closeMillis: day, retainMillis: 2 * day })
      const { id } = yield* captures.create({ tool: "t" })
      yield* TestClock.adjust("23 hours")
      assert.lengthOf(yield* captures.list(), 1)
      yield* TestClock.adjust("2 hours")
      assert.lengthOf(yield* captures.list(), 0)
      assert.deepInclude(said.at(-1)!.message, { event: "closed", reason: "quiet" })
      yield* add(id, "again")
      assert.deepInclude((yield* captures.list())[0]!, { id, state: "open" })
      yield* TestClock.adjust("25 hours")
      assert.deepInclude((yield* captures.list({ all: true }))[0]!, { id, state: "closed" })
      yield* TestClock.adjust("3 days")
      assert.lengthOf(yield* captures.list({ all: true }), 0)
    }).pipe(Effect.scoped)
  )

  it.effect("is refused when too many are kept, unless one of them may go", () =>
    Effect.gen(function* () {
      const { add, captures } = yield* open(yield* directory, { maxCount: 10 })
      const made = yield* Effect.forEach(Array.from({ length: 10 }), () => captures.create({ tool: "t" }))
      assert.strictEqual((yield* Effect.flip(captures.create({ tool: "t" })))._tag, "TooManyCaptures")
      yield* add(made[0]!.id, "x")
      yield* TestClock.adjust("2 days")
      const next = yield* captures.create({ tool: "t" })
      const left = (yield* captures.list({ all: true })).map(({ id }) => id)
      assert.includeMembers(left, [made[0]!.id, next.id])
      assert.lengthOf(left, 10)
      assert.strictEqual((yield* captures.discard(made[0]!.id)).id, made[0]!.id)
      assert.notInclude(
        (yield* captures.list({ all: true })).map(({ id }) => id),
        made[0]!.id
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is none where capture is off", () =>
    Effect.gen(function* () {
      const { add, captures } = yield* open(yield* directory, { enabled: false })
      assert.strictEqual((yield* Effect.flip(captures.create({ tool: "t" })))._tag, "CaptureDisabled")
      assert.strictEqual((yield* Effect.flip(add("0011223344556677", "x")))._tag, "CaptureDisabled")
    }).pipe(Effect.scoped)
  )

  it.effect("adds an entry with a key once", () =>
    Effect.gen(function* () {
      const { add, captures } = yield* open(yield* directory)
      const { id } = yield* captures.create({ tool: "t" })
      const answers = yield* Effect.forEach([1, 2, 3], () => add(id, "the same", { key: "k" }), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        answers.map(({ seq }) => seq),
        [1, 1, 1]
      )
      assert.strictEqual((yield* captures.show({ capture: id })).capture.messages, 1)
    }).pipe(Effect.scoped)
  )
})

describe("a capture whose row was damaged and taken out", () => {
  it.effect("leaves its messages to no other one", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const first = yield* open(at)
      const { id } = yield* first.captures.create({ tool: "t" })
      yield* first.add(id, "of the first one")
      // As the opening of the store does it.
      yield* first.database.write((sql) => sql.run("DELETE FROM captures"))
      yield* first.stop
      const { add, captures } = yield* open(at)
      const other = yield* captures.create({ tool: "t" })
      yield* add(other.id, "of the other one")
      const { capture, entries } = yield* captures.show({ capture: other.id })
      assert.strictEqual(capture.messages, 1)
      assert.deepStrictEqual(
        entries.map((entry) => (entry.type === "message" ? entry.content : "")),
        ["of the other one"]
      )
    }).pipe(Effect.scoped)
  )
})

describe("of a secret nothing is stored", () => {
  it.effect("in a message, a change, or what a program says of itself", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const repo = repository(join(at, "repo"))
      writeFileSync(join(repo, ".env"), 'GREETING=hello\nUNUSUAL="blue elephants; dance"\nLINK=zzTop1234567890abcdef\n')
      const { add, captures, database, paths, said, stop } = yield* open(at, { secretPatterns: ["acme-\\d{6}"] })
      const { id } = yield* captures.create({ tool: "t", cwd: repo, metadata: { model: `m ${examples[4]!.text}` } })
      const own = ["blue elephants; dance", "zzTop1234567890abcdef", "acme-123456"]
      const texts = [...examples.map(({ text }) => text), ...own.map((text) => `say ${text} or hello`)]
      for (const [index, text] of texts.entries()) {
        yield* add(id, text)
        yield* captures.addCodeChange({ capture: id, path: `a${index}.txt`, before: "x\n", after: `x\n${text}\n` })
      }
      const shown: Array<unknown> = []
      for (let after: number | null = 0; after !== null;) {
        const part: { readonly next: number | null } = yield* captures.show({ capture: id, after })
        shown.push(part)
        after = part.next
      }
      const heard = JSON.stringify([shown, said, yield* captures.list()])
      yield* database.read(() => undefined)
      yield* stop
      const disk = ["", "-wal"].map((end) => readOrEmpty(`${paths.database}${end}`)).join("")
      assert.isAbove(disk.length, 10_000)
      for (const secret of [...examples.map(({ secret }) => secret), ...own]) {
        const line = secret
          .split(/\n|\\n/)
          .find((part) => !part.includes("-----"))!
          .slice(0, 60)
        assert.notInclude(disk, line)
        assert.notInclude(heard, line)
      }
      assert.include(heard, "or hello")
    }).pipe(Effect.scoped)
  )
})

const readOrEmpty = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

describe("a thousand captures at once", () => {
  it.effect("are all there", () =>
    Effect.gen(function* () {
      const { add, captures } = yield* open(yield* directory)
      const made = yield* Effect.forEach(Array.from({ length: 1000 }), () => captures.create({ tool: "t" }), {
        concurrency: "unbounded"
      })
      const exits = yield* Effect.forEach(made, ({ id }) => Effect.exit(add(id, id)), { concurrency: "unbounded" })
      assert.isTrue(exits.every(Exit.isSuccess))
      const all = yield* captures.list()
      assert.strictEqual(new Set(all.map(({ id }) => id)).size, 1000)
      assert.isTrue(all.every(({ messages }) => messages === 1))
    }).pipe(Effect.scoped)
  )
})

describe("encryption", () => {
  it.effect("leaves no text readable on the disk; with the key all is as without, without it nothing is", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const repo = repository(join(at, "repo"))
      const plain = yield* open(at)
      const { id } = yield* plain.captures.create({ tool: "t", cwd: repo })
      yield* plain.add(id, "said before it was switched on")
      yield* plain.stop
      const first = yield* open(at, { encrypt: true })
      yield* first.add(id, "an unmistakable sentence")
      yield* first.captures.addCodeChange({ capture: id, path: "unmistakable.ts", before: "", after: "unmistakable\n" })
      const shown = yield* first.captures.show({ capture: id })
      assert.include(JSON.stringify(shown), "an unmistakable sentence")
      assert.lengthOf((yield* first.captures.save({ capture: id })).saves, 1)
      yield* first.stop
      const { database, home } = first.paths
      const captureKey = join(home, "capture.key")
      assert.strictEqual(statSync(captureKey).mode & 0o777, 0o600)
      const disk = ["", "-wal"].map((end) => readOrEmpty(`${database}${end}`)).join("")
      assert.include(disk, "said before it was switched on")
      assert.notInclude(disk, "unmistakable")
      const again = yield* open(at)
      assert.deepStrictEqual((yield* again.captures.show({ capture: id })).entries.length, 3)
      assert.include(JSON.stringify(yield* again.captures.show({ capture: id })), "unmistakable.ts")
      yield* again.stop
      chmodSync(captureKey, 0o644)
      const open644 = yield* open(at, { encrypt: true })
      const refused = yield* Effect.flip(open644.add(id, "x"))
      assert.strictEqual(refused._tag, "StorageFailed")
      assert.include(refused.message, "chmod 600")
      yield* open644.stop
      rmSync(captureKey)
      const lost = yield* open(at)
      const { entries } = yield* lost.captures.show({ capture: id })
      assert.lengthOf(entries, 3)
      assert.include(JSON.stringify(entries), "said before it was switched on")
      assert.include(JSON.stringify(entries), "[sealed: ")
    }).pipe(Effect.scoped)
  )
})
