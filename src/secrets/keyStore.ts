/** Secrets in the user's key store, by the program that the system has for it. None of them is ever on a command line. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import type { SecretStore } from "./SecretStore.ts"

/** A store may ask its user to unlock it. */
const LIMIT = "1 minute"
/** `security` reads lines of 4096 bytes. */
const MOST_BYTES = 2048
const MOST_OUTPUT = 64 * 1024

interface Ran {
  /** Null where it was killed. */
  readonly code: number | null
  readonly stdout: string
  /** The last line of what it complained of. */
  readonly complaint: string
}

export interface KeyStoreOptions {
  /** Default: this one. */
  readonly platform?: NodeJS.Platform
  /** What the programs are given. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv
  /** The keychain's program. */
  readonly security?: string
}

/** The system's, for the home that is named: others' secrets are others'. */
export const makeKeyStore = (
  home: string,
  { env = process.env, platform = process.platform, security = "/usr/bin/security" }: KeyStoreOptions = {}
): SecretStore => checked(platform === "darwin" ? keychain(home, env, security) : secretService(home, env))

/** What is written is read again: not every version of the programs tells of a failure by its exit code. */
const checked = (store: SecretStore): SecretStore => ({
  ...store,
  set: (name, secret) =>
    secret.length > MOST_BYTES
      ? Effect.fail(`it has ${secret.length} bytes, and key stores take ${MOST_BYTES}. Set secrets.store to "file".`)
      : store.set(name, secret).pipe(
          Effect.andThen(store.get(name)),
          Effect.flatMap((found) =>
            found !== null && Buffer.from(secret).equals(found)
              ? Effect.void
              : Effect.fail('the key store did not keep it. Is it unlocked? Else set secrets.store to "file".')
          )
        )
})

/** https://specifications.freedesktop.org/secret-service-spec, by libsecret's `secret-tool`. */
const secretService = (home: string, env: NodeJS.ProcessEnv): SecretStore => {
  const run = makeRun("secret-tool", env, "the package libsecret-tools (libsecret on some systems) has it")
  const attributes = (name: string) => ["application", "hob", "home", home, "secret", name]
  return {
    get: (name) =>
      Effect.flatMap(run(["lookup", ...attributes(name)]), ({ code, complaint, stdout }) => {
        if (code === 0) return Effect.succeed(Buffer.from(stdout.trim(), "base64"))
        return complaint === "" ? Effect.succeed(null) : Effect.fail(refused(complaint))
      }),
    set: (name, secret) =>
      succeeding(run(["store", `--label=hob: ${name}`, ...attributes(name)], Buffer.from(secret).toString("base64"))),
    // It fails where there is none, without a word.
    remove: (name) =>
      Effect.flatMap(run(["clear", ...attributes(name)]), ({ code, complaint }) =>
        code === 0 || complaint === "" ? Effect.void : Effect.fail(refused(complaint))
      )
  }
}

/** What `security` exits with where there is no such item. */
const NOT_FOUND = 44

/** The keychain of macOS. Names and values are such that no word needs quoting. */
const keychain = (home: string, env: NodeJS.ProcessEnv, security: string): SecretStore => {
  const run = makeRun(security, env, "it is a part of macOS")
  const service = `hob-${createHash("sha256").update(home).digest("hex").slice(0, 16)}`
  const item = (name: string) => ["-s", service, "-a", name]
  return {
    get: (name) =>
      Effect.flatMap(run(["find-generic-password", ...item(name), "-w"]), ({ code, complaint, stdout }) => {
        if (code === 0) return Effect.succeed(Buffer.from(stdout.trim(), "base64"))
        return code === NOT_FOUND ? Effect.succeed(null) : Effect.fail(refused(complaint))
      }),
    set: (name, secret) => {
      const value = Buffer.from(secret).toString("base64")
      const words = ["add-generic-password", "-U", ...item(name), "-l", `hob-${name}`, "-w", value]
      return succeeding(run(["-i"], `${words.join(" ")}\n`))
    },
    remove: (name) =>
      Effect.flatMap(run(["delete-generic-password", ...item(name)]), ({ code, complaint }) =>
        code === 0 || code === NOT_FOUND ? Effect.void : Effect.fail(refused(complaint))
      )
  }
}

const refused = (complaint: string): string =>
  `the key store refused: ${complaint || "no reason given"}. Unlock it, or start the daemon in your session; else set secrets.store to "file".`

const succeeding = (ran: Effect.Effect<Ran, string>): Effect.Effect<void, string> =>
  Effect.flatMap(ran, ({ code, complaint }) => (code === 0 ? Effect.void : Effect.fail(refused(complaint))))

const makeRun =
  (program: string, env: NodeJS.ProcessEnv, whence: string) =>
  (args: ReadonlyArray<string>, input = ""): Effect.Effect<Ran, string> =>
    Effect.callback<Ran, string>((resume) => {
      const child = execFile(
        program,
        [...args],
        { env: { ...env, LC_ALL: "C" }, maxBuffer: MOST_OUTPUT, encoding: "utf8" },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : error.code
          if (typeof code === "string") {
            const why = code === "ENOENT" ? `is not there: ${whence}` : `can't be run (${code})`
            return resume(Effect.fail(`${program} ${why}. Else set secrets.store to "file".`))
          }
          resume(Effect.succeed({ code: code ?? null, stdout, complaint: stderr.trim().split("\n").at(-1)!.trim() }))
        }
      )
      child.stdin?.on("error", () => {})
      child.stdin?.end(input)
      return Effect.sync(() => void child.kill("SIGKILL"))
    }).pipe(
      Effect.timeoutOrElse({
        duration: LIMIT,
        orElse: () =>
          Effect.fail('the key store has not answered for a minute. Unlock it, or set secrets.store to "file".')
      })
    )
