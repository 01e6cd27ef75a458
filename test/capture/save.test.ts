import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import type { CaptureNotSaved } from "../../src/protocol/captureSaves.ts"
import { readSummary } from "../../src/capture/save/yaml.ts"
import { examples } from "../masking/secrets.ts"
import { directory, git, open, repository } from "./support.ts"

const sha = "a".repeat(40)
const other = "b".repeat(40)

/** Every file below a directory with its text. */
const tree = (root: string, below = ""): Record<string, string> =>
  Object.assign(
    {},
    ...readdirSync(join(root, below), { withFileTypes: true }).map((entry) => {
      const path = join(below, entry.name)
      return entry.isDirectory() ? tree(root, path) : { [path]: readFileSync(join(root, path), "utf8") }
    })
  )

const prepared = (name = "repo") =>
  Effect.gen(function* () {
    const at = yield* directory
    const repo = repository(join(at, name))
    const opened = yield* open(at)
    const { id } = yield* opened.captures.create({
      tool: "claude-code",
      cwd: repo,
      metadata: { model: "claude-sonnet-4", tags: ["demo"] }
    })
    yield* opened.add(id, "Please add JWT authentication\n  - with refresh\n")
    yield* opened.add(id, "Done: see `src/auth.ts`.", { role: "assistant" })
    yield* opened.captures.addCodeChange({ capture: id, path: "src/auth.ts", before: null, after: "export {}\n" })
    return { at, repo, id, prompts: join(repo, ".prompts"), ...opened }
  })

describe("a save", () => {
  it.effect("writes what gitify-prompt reads: the prompt, its history, the index", () =>
    Effect.gen(function* () {
      const { captures, events, id, prompts, repo } = yield* prepared("a repo\nwith Ünicode & spaces")
      const { files, saves } = yield* captures.save({ capture: id, commit: sha })
      const [save] = saves
      const slug = `please-add-jwt-${id.slice(0, 8)}`
      assert.deepInclude(save!, {
        capture: id,
        repository: repo,
        slug,
        commit: sha,
        messages: 2,
        codeChanges: 1,
        fromSeq: 1,
        toSeq: 3
      })
      const all = tree(prompts)
      const latest = all[`prompts/${slug}.yaml`]!
      assert.strictEqual(all[save!.file!.replace(/^\.prompts\//, "")], latest)
      assert.match(save!.file!, new RegExp(`^\\.prompts/history/${slug}/\\d{4}-.*Z-${save!.version}\\.yaml$`))
      assert.deepStrictEqual(
        [...latest.matchAll(/^([A-Za-z]+):/gm)].map(([, key]) => key),
        ["content", "commitMessage", "metadata", "description", "id", "version", "timestamp", "lastModified"]
      )
      assert.deepStrictEqual(
        [...latest.matchAll(/^ {2}([A-Za-z]+):/gm)]
          .map(([, key]) => key)
          .filter((key) => !["Session", "Started"].includes(key!)),
        ["model", "tags", "tool", "sessionId", "captureTime", "gitCommit", "gitBranch", "filesModified"]
      )
      assert.include(latest, "  **user**: Please add JWT authentication\n    - with refresh\n")
      assert.include(latest, "  ## Code Changes (1)\n\n  - src/auth.ts\n")
      assert.deepStrictEqual(JSON.parse(all[".meta/index.json"]!), {
        [slug]: {
          lastVersion: save!.version,
          lastModified: readSummary(latest)!.lastModified,
          model: "claude-sonnet-4",
          tags: ["auto-captured", "claude-code", "demo"]
        }
      })
      assert.includeMembers([...files], [".prompts/config.yaml", ".prompts/.meta/index.json", save!.file!])
      assert.notInclude(Object.keys(all).join(), "tmp")
      assert.strictEqual(events().at(-1), "saved")
      assert.deepInclude((yield* captures.show({ capture: id })).capture, { unsaved: 0, state: "open" })
      assert.deepStrictEqual(yield* captures.saves({ commit: sha.slice(0, 7) }), saves)
    }).pipe(Effect.scoped)
  )

  it.effect("a second time writes nothing; of what came meanwhile a version of its own", () =>
    Effect.gen(function* () {
      const { add, captures, id, prompts } = yield* prepared()
      yield* captures.save({ capture: id, commit: sha })
      const before = tree(prompts)
      assert.deepStrictEqual((yield* captures.save({ capture: id, commit: sha })).saves, [])
      assert.deepStrictEqual(tree(prompts), before)
      yield* add(id, "And now the tests, please")
      const [save] = (yield* captures.save({ capture: id, commit: other, markdown: true })).saves
      assert.deepInclude(save!, { slug: `please-add-jwt-${id.slice(0, 8)}`, fromSeq: 4, toSeq: 4, messages: 1 })
      const after = tree(prompts)
      assert.lengthOf(
        Object.keys(after).filter((path) => path.startsWith("history/")),
        2
      )
      assert.include(after[`prompts/${save!.slug}.yaml`]!, `gitCommit: ${other}`)
      assert.include(after[`markdown/${save!.slug}-${save!.version}.md`]!, "And now the tests, please")
      assert.lengthOf(yield* captures.saves({ capture: id }), 2)
      yield* captures.save({ capture: id, close: true })
      assert.strictEqual((yield* captures.show({ capture: id })).capture.state, "closed")
    }).pipe(Effect.scoped)
  )

  it.effect("that was interrupted behind its files is finished by the next, into the same files", () =>
    Effect.gen(function* () {
      const { captures, database, id, prompts } = yield* prepared()
      yield* captures.save({ capture: id, commit: sha })
      const before = tree(prompts)
      // As if the daemon had died before the store knew of it.
      yield* database.write((sql) => {
        sql.run("UPDATE captures SET saved_seq = 0, unsaved = 3")
        sql.run("DELETE FROM capture_saves")
      })
      assert.lengthOf((yield* captures.save({ capture: id, commit: sha })).saves, 1)
      assert.deepStrictEqual(tree(prompts), before)
    }).pipe(Effect.scoped)
  )

  it.effect("of a repository saves each of its captures once, from as many callers as there are", () =>
    Effect.gen(function* () {
      const { add, captures, prompts, repo } = yield* prepared()
      for (let count = 0; count < 20; count++) {
        const { id } = yield* captures.create({ tool: "t", cwd: repo })
        yield* add(id, "the same three words")
      }
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => captures.save({ repository: repo, commit: sha }),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(
        outcomes.flatMap(({ saves }) => saves),
        21
      )
      assert.lengthOf(Object.keys(JSON.parse(readFileSync(join(prompts, ".meta/index.json"), "utf8"))), 21)
      assert.lengthOf(readdirSync(join(prompts, "prompts")), 21)
    }).pipe(Effect.scoped)
  )

  it.effect("into two work trees of a repository, and into two of the same name, goes into each one's own files", () =>
    Effect.gen(function* () {
      const { at, captures, repo, add } = yield* prepared()
      git(repo, "worktree", "add", "-q", join(at, "elsewhere", "repo"), "-b", "side")
      const second = join(at, "elsewhere", "repo")
      const { id, branch } = yield* captures.create({ tool: "t", cwd: join(second) })
      assert.strictEqual(branch, "side")
      yield* add(id, "in the other one")
      const done = yield* Effect.forEach([repo, second], (root) => captures.save({ repository: root, commit: sha }), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        done.map(({ saves }) => saves.map((save) => save.repository)),
        [[repo], [second]]
      )
      assert.lengthOf(readdirSync(join(second, ".prompts/prompts")), 1)
      assert.strictEqual(git(repo, "status", "--porcelain"), "?? .prompts/")
    }).pipe(Effect.scoped)
  )

  it.effect("beside another program that writes the index loses nothing of either", () =>
    Effect.gen(function* () {
      const { captures, id, prompts } = yield* prepared()
      mkdirSync(join(prompts, ".meta"), { recursive: true })
      writeFileSync(join(prompts, ".meta/index.json"), JSON.stringify({ theirs: { lastVersion: "1", own: true } }))
      writeFileSync(join(prompts, "config.yaml"), "version: mine\n")
      // Left by a process that died long ago.
      writeFileSync(join(prompts, ".meta/index.json.lock"), "")
      const { utimesSync } = yield* Effect.promise(() => import("node:fs"))
      utimesSync(join(prompts, ".meta/index.json.lock"), 1, 1)
      const { saves } = yield* captures.save({ capture: id })
      const index = JSON.parse(readFileSync(join(prompts, ".meta/index.json"), "utf8"))
      assert.sameMembers(Object.keys(index), ["theirs", saves[0]!.slug])
      assert.isTrue(index.theirs.own)
      assert.strictEqual(readFileSync(join(prompts, "config.yaml"), "utf8"), "version: mine\n")
      assert.isFalse(existsSync(join(prompts, ".meta/index.json.lock")))
    }).pipe(Effect.scoped)
  )

  it.effect("finds a damaged index: it is kept aside, made anew from the prompts, and told of", () =>
    Effect.gen(function* () {
      const { add, captures, id, prompts } = yield* prepared()
      const [first] = (yield* captures.save({ capture: id })).saves
      const theirs =
        "content: >\n  # Auto\n\nmetadata:\n  model: gpt-4\n  tags:\n    - auto-captured\n    - demo\n  tool: cursor\ndescription: x\nid: by-hand-made\nversion: be34d835\ntimestamp: '2026-11-21T00:36:47.657Z'\nlastModified: '2026-11-21T00:36:47.657Z'\n"
      writeFileSync(join(prompts, "prompts/by-hand-made.yaml"), theirs)
      writeFileSync(join(prompts, ".meta/index.json"), "<<<<<<< HEAD\n{\n=======\n")
      yield* add(id, "more")
      const { mended, saves } = yield* captures.save({ capture: id })
      assert.lengthOf(mended, 1)
      const index = JSON.parse(readFileSync(join(prompts, ".meta/index.json"), "utf8"))
      assert.deepStrictEqual(index["by-hand-made"], {
        lastVersion: "be34d835",
        lastModified: "2026-11-21T00:36:47.657Z",
        model: "gpt-4",
        tags: ["auto-captured", "demo"]
      })
      assert.strictEqual(index[first!.slug].lastVersion, saves[0]!.version)
      assert.lengthOf(
        readdirSync(join(prompts, ".meta")).filter((name) => name.includes("damaged-")),
        1
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is as open to others as the repository is, whatever the daemon's umask", () =>
    Effect.gen(function* () {
      const { captures, id, prompts, repo } = yield* prepared()
      chmodSync(repo, 0o755)
      const umask = process.umask(0o077)
      yield* Effect.ensuring(
        captures.save({ capture: id }),
        Effect.sync(() => process.umask(umask))
      )
      assert.strictEqual(statSync(join(prompts, "prompts")).mode & 0o777, 0o755)
      assert.strictEqual(statSync(join(prompts, ".meta/index.json")).mode & 0o777, 0o644)
    }).pipe(Effect.scoped)
  )
})

describe("a repository that can't be written to", () => {
  const failing = (
    title: string,
    reason: CaptureNotSaved["reason"],
    prepare: (places: { repo: string; prompts: string; at: string }) => void,
    undo: (places: { repo: string; prompts: string; at: string }) => void
  ) =>
    it.effect(title, () =>
      Effect.gen(function* () {
        const all = yield* prepared()
        const { captures, id } = all
        prepare(all)
        const error = yield* Effect.flip(captures.save({ capture: id }))
        assert.deepInclude(error, { _tag: "CaptureNotSaved", reason })
        assert.strictEqual((yield* captures.show({ capture: id })).capture.unsaved, 3)
        undo(all)
        assert.lengthOf((yield* captures.save({ capture: id })).saves, 1)
      }).pipe(Effect.scoped)
    )

  failing(
    "because .prompts is a file, is left alone",
    "refused",
    ({ prompts }) => writeFileSync(prompts, "mine"),
    ({ prompts }) => rmSync(prompts)
  )
  failing(
    "because .prompts is a link out of it, is left alone",
    "refused",
    ({ at, prompts }) => {
      mkdirSync(join(at, "outside"))
      symlinkSync(join(at, "outside"), prompts)
    },
    ({ at, prompts }) => {
      assert.deepStrictEqual(readdirSync(join(at, "outside")), [])
      rmSync(prompts)
    }
  )
  failing(
    "because a directory in .prompts is a link, is left alone",
    "refused",
    ({ at, prompts }) => {
      mkdirSync(join(at, "outside"))
      mkdirSync(prompts)
      symlinkSync(join(at, "outside"), join(prompts, "prompts"))
    },
    ({ prompts }) => rmSync(join(prompts, "prompts"))
  )
  failing(
    "because the index is a directory, is told of",
    "refused",
    ({ prompts }) => mkdirSync(join(prompts, ".meta/index.json"), { recursive: true }),
    ({ prompts }) => rmSync(join(prompts, ".meta/index.json"), { recursive: true })
  )
  failing(
    "because it is gone, is told of",
    "gone",
    ({ repo }) => renameSync(repo, `${repo}.away`),
    ({ repo }) => renameSync(`${repo}.away`, repo)
  )
  failing(
    "because it is a repository no more, is told of",
    "gone",
    ({ repo }) => renameSync(join(repo, ".git"), `${repo}.git`),
    ({ repo }) => renameSync(`${repo}.git`, join(repo, ".git"))
  )

  it.effect("because it is bare or none at all, is told of", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const { add, captures } = yield* open(at)
      mkdirSync(join(at, "bare.git"))
      git(join(at, "bare.git"), "init", "-q", "--bare")
      for (const [cwd, reason] of [
        [join(at, "bare.git"), "bare"],
        [at, "no-repository"],
        [join(at, "nowhere"), "gone"]
      ] as const) {
        const { id, repository } = yield* captures.create({ tool: "t", cwd })
        assert.isNull(repository)
        yield* add(id, "x")
        assert.deepInclude(yield* Effect.flip(captures.save({ capture: id })), { _tag: "CaptureNotSaved", reason })
      }
      const { id } = yield* captures.create({ tool: "t" })
      assert.deepStrictEqual(
        (yield* Effect.flip(captures.save({ capture: "00112233445566ff" })))._tag,
        "CaptureNotFound"
      )
      assert.deepInclude(yield* Effect.flip(captures.save({ capture: id })), { reason: "no-repository" })
    }).pipe(Effect.scoped)
  )

  it.effect("without any commit is written to all the same", () =>
    Effect.gen(function* () {
      const at = yield* directory
      mkdirSync(join(at, "empty"))
      git(join(at, "empty"), "init", "-q")
      const { add, captures } = yield* open(at)
      const { branch, id } = yield* captures.create({ tool: "t", cwd: join(at, "empty") })
      assert.strictEqual(branch, "main")
      yield* add(id, "?!")
      assert.strictEqual((yield* captures.save({ capture: id })).saves[0]!.slug, `auto-${id}`)
    }).pipe(Effect.scoped)
  )
})

describe("a commit that becomes another", () => {
  it.effect("takes what was saved with it along, in the files too", () =>
    Effect.gen(function* () {
      const { captures, id, prompts, repo } = yield* prepared()
      const [save] = (yield* captures.save({ capture: id, commit: sha, markdown: true })).saves
      assert.strictEqual(
        yield* captures.rewrite({ repository: "/", commits: [{ from: sha as never, to: other as never }] }),
        0
      )
      assert.strictEqual(
        yield* captures.rewrite({ repository: repo, commits: [{ from: sha as never, to: other as never }] }),
        1
      )
      assert.lengthOf(yield* captures.saves({ commit: sha }), 0)
      assert.lengthOf(yield* captures.saves({ commit: other }), 1)
      const all = Object.values(tree(prompts)).join("\n")
      assert.notInclude(all, sha)
      assert.include(readFileSync(join(repo, save!.file!), "utf8"), `gitCommit: "${other}"`)
    }).pipe(Effect.scoped)
  )
})

describe("notes of git", () => {
  it.effect("are made in the name of who made the commit, where the daemon knows none", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const repo = repository(join(at, "repo"))
      // As for somebody whose name stands in the environment alone.
      git(repo, "config", "user.name", "")
      const { add, captures } = yield* open(at)
      const { id } = yield* captures.create({ tool: "t", cwd: repo })
      yield* add(id, "as a note")
      const commit = git(repo, "rev-parse", "HEAD")
      const { saves } = yield* captures.save({ repository: repo, commit, destination: "notes" })
      assert.lengthOf(saves, 1)
      assert.include(git(repo, "notes", "--ref=prompts", "show", commit), "as a note")
      assert.strictEqual(git(repo, "log", "-1", "--format=%cn %ce", "refs/notes/prompts"), "A a@example.com")
      git(repo, "commit", "-q", "--amend", "--allow-empty", "-m", "second")
      const to = git(repo, "rev-parse", "HEAD")
      yield* captures.rewrite({ repository: repo, commits: [{ from: commit, to }] })
      assert.include(git(repo, "notes", "--ref=prompts", "show", to), "as a note")
    }).pipe(Effect.scoped)
  )

  it.effect("hold what was captured, at its commit, and follow it", () =>
    Effect.gen(function* () {
      const { add, captures, id, prompts, repo } = yield* prepared()
      git(repo, "config", "user.name", "A")
      git(repo, "config", "user.email", "a@example.com")
      assert.deepStrictEqual((yield* captures.save({ capture: id, destination: "notes" })).saves, [])
      const first = git(repo, "rev-parse", "HEAD")
      const { saves } = yield* captures.save({ capture: id, destination: "notes", commit: first as never })
      assert.deepInclude(saves[0]!, { destination: "notes", file: null })
      assert.isFalse(existsSync(prompts))
      const noted = () => git(repo, "notes", "--ref=prompts", "show", git(repo, "rev-parse", "HEAD"))
      assert.include(noted(), "Please add JWT authentication")
      yield* add(id, "one thing more")
      yield* captures.save({ capture: id, destination: "notes", commit: first as never })
      assert.include(noted(), "one thing more")
      git(repo, "commit", "-q", "--amend", "--allow-empty", "-m", "second")
      const second = git(repo, "rev-parse", "HEAD")
      yield* captures.rewrite({ repository: repo, commits: [{ from: first as never, to: second as never }] })
      assert.include(noted(), "Please add JWT authentication")
      assert.lengthOf(yield* captures.saves({ commit: second }), 2)
    }).pipe(Effect.scoped)
  )
})

describe("of a secret nothing", () => {
  it.effect("is in .prompts", () =>
    Effect.gen(function* () {
      const { add, captures, id, prompts } = yield* prepared()
      for (const { text } of examples) yield* add(id, text)
      yield* captures.save({ capture: id, markdown: true })
      const all = JSON.stringify(tree(prompts))
      for (const { secret } of examples) {
        const line = secret
          .split(/\n|\\n/)
          .find((part) => !part.includes("-----"))!
          .slice(0, 60)
        assert.notInclude(all, line)
      }
      assert.isFalse(lstatSync(prompts).isSymbolicLink())
    }).pipe(Effect.scoped)
  )

  it.effect(
    "without a commit belongs to the next one where capture is installed, and only what came since the last",
    () =>
      Effect.gen(function* () {
        const { add, captures, id, repo } = yield* prepared()
        const commitsOf = Effect.map(captures.saves({ capture: id }), (saves) => saves.map(({ commit }) => commit))
        // By hand, where nobody installed it.
        yield* captures.save({ capture: id })
        yield* captures.save({ repository: repo, commit: sha })
        assert.deepStrictEqual(yield* commitsOf, [null])
        writeFileSync(join(repo, ".git/hob-capture.json"), '{"destination":"prompts"}')
        yield* captures.save({ repository: repo, commit: sha })
        assert.deepStrictEqual(yield* commitsOf, [sha])
        yield* add(id, "saved by hand, or when hob was stopped")
        yield* captures.save({ capture: id })
        yield* add(id, "said before the commit")
        assert.deepStrictEqual(yield* commitsOf, [null, sha])
        yield* captures.save({ repository: repo, commit: other })
        assert.deepStrictEqual(yield* commitsOf, [other, other, sha])
        // One that was left without a commit before is not taken by a later one.
        yield* add(id, "saved alone")
        yield* captures.save({ capture: id })
        yield* add(id, "of a commit of its own")
        yield* captures.save({ capture: id, commit: sha })
        yield* captures.save({ repository: repo, commit: other })
        assert.deepStrictEqual(yield* commitsOf, [sha, null, other, other, sha])
      })
  )
})
