/** Notes of git, for repositories that keep their prompts there. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { NotWritten } from "./files.ts"

export const NOTES_REF = "refs/notes/prompts"

const LIMIT_MILLIS = 20_000
const TRIES = 5

/** Of git, in `root` and nowhere else, with `input` on its standard input. `who` are variables of git's. */
const git = (
  root: string,
  args: ReadonlyArray<string>,
  input: string,
  who: Readonly<Record<string, string>> = {}
): Effect.Effect<string, string> =>
  Effect.callback((resume) => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:GIT_|HOB_)/.test(name)))
    const child = execFile(
      "git",
      ["-C", root, ...args],
      {
        env: { ...env, ...who, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0" },
        timeout: LIMIT_MILLIS,
        killSignal: "SIGKILL",
        maxBuffer: 16 * 1024 * 1024
      },
      (error, stdout, stderr) =>
        resume(error === null ? Effect.succeed(stdout) : Effect.fail(stderr.trim().split("\n").at(-1) || error.message))
    )
    child.stdin?.on("error", () => {})
    child.stdin?.end(input)
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

const failed = (root: string) => (detail: string) => new NotWritten("git", root, `git: ${detail}`)

/** Two that write notes at once meet a lock of git's. */
const again = <A>(work: Effect.Effect<A, string>): Effect.Effect<A, string> =>
  Effect.gen(function* () {
    for (let attempt = 1; ; attempt++) {
      const outcome = yield* Effect.result(work)
      if (outcome._tag === "Success") return outcome.success
      if (attempt === TRIES || !/lock|cannot update ref|failed to update/i.test(outcome.failure))
        return yield* Effect.fail(outcome.failure)
      yield* Effect.sleep(50 * attempt)
    }
  })

/** git wants to know whose note it is, and finds no name in its configuration or that of the machine. */
const NOBODY = /tell me who you are|unable to auto-detect|empty ident|auto-detection is disabled|no email was given/i

/** Changes the notes as who git takes us for; else as who made `commit`, whose name may have stood in the environment alone. */
const change = (
  root: string,
  commit: string,
  args: ReadonlyArray<string>,
  input: string
): Effect.Effect<string, string> =>
  again(git(root, args, input)).pipe(
    Effect.catch((problem) =>
      NOBODY.test(problem)
        ? Effect.gen(function* () {
            const made = yield* git(root, ["show", "--no-patch", "--format=%cn%n%ce", commit], "")
            const [name = "", email = ""] = made.split("\n")
            const who = {
              GIT_AUTHOR_NAME: name,
              GIT_AUTHOR_EMAIL: email,
              GIT_COMMITTER_NAME: name,
              GIT_COMMITTER_EMAIL: email
            }
            return yield* again(git(root, args, input, who))
          })
        : Effect.fail(problem)
    )
  )

/** Adds a part to the notes of a commit, if it isn't there. */
export const addNote = (root: string, commit: string, text: string): Effect.Effect<void, NotWritten> =>
  Effect.gen(function* () {
    const there = yield* Effect.orElseSucceed(git(root, ["notes", `--ref=${NOTES_REF}`, "show", commit], ""), () => "")
    if (there.includes(text.trim())) return
    yield* change(root, commit, ["notes", `--ref=${NOTES_REF}`, "append", "-F", "-", commit], text)
  }).pipe(Effect.mapError(failed(root)))

/** What was noted at a commit is at another one too. */
export const copyNote = (root: string, from: string, to: string): Effect.Effect<void, NotWritten> =>
  change(root, to, ["notes", `--ref=${NOTES_REF}`, "copy", "-f", from, to], "").pipe(
    Effect.asVoid,
    Effect.mapError(failed(root))
  )
