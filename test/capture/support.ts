import { Context, Effect, Layer, Scope } from "effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Announcer } from "../../src/actors/Announcer.ts"
import { Concerns } from "../../src/actors/Concerns.ts"
import type { Message } from "../../src/capture/Ledger.ts"
import { Captures } from "../../src/capture/Captures.ts"
import { HobConfig } from "../../src/config/HobConfig.ts"
import { makePaths } from "../../src/config/paths.ts"
import type { Settings } from "../../src/config/settings.ts"
import { Secrets } from "../../src/secrets/Secrets.ts"
import { Database } from "../../src/storage/Database.ts"

export interface Said {
  readonly channel: string
  readonly message: any
}

/** A directory without links in its path, gone with the scope. */
export const directory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "hob-capture-")))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 20 }))
)

/** The captures of the home below `at` as one daemon has them, until it is stopped. */
export const open = (
  at: string,
  capture: Partial<Settings["capture"]> = {},
  settings: Parameters<typeof HobConfig.layerTest>[0] = {}
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Scope.Scope)
    const said: Array<Said> = []
    const home = join(at, "home")
    mkdirSync(home, { recursive: true })
    const paths = makePaths({ HOB_HOME: home })
    const context = yield* Captures.layer(paths).pipe(
      Layer.provideMerge(Layer.mergeAll(Announcer.layer, Concerns.layer)),
      Layer.provideMerge(
        Layer.orDie(
          Database.layerFile({ path: paths.database, durability: settings.storage?.durability ?? "process-crash" })
        )
      ),
      Layer.provideMerge(Secrets.layer(paths)),
      Layer.provideMerge(HobConfig.layerTest({ ...settings, capture })),
      Layer.fresh,
      Layer.buildWithScope(scope)
    )
    yield* Context.get(context, Announcer)
      .listen((announcement) => void said.push(announcement as Said))
      .pipe(Scope.provide(scope))
    const captures = Context.get(context, Captures)
    return {
      captures,
      said,
      paths,
      database: Context.get(context, Database),
      add: (ref: string, content: string, more: Partial<Message> = {}) =>
        Effect.callback<any, any>((resume) => captures.addMessage(ref, { role: "user", content, ...more }, resume)),
      events: () => said.map(({ message }) => message.event as string),
      stop: Scope.close(scope, { _tag: "Success", value: undefined } as never)
    }
  })

/** Runs git as nobody in particular, untouched by the configuration of whoever runs the tests. */
export const git = (cwd: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", ["-c", "init.defaultBranch=main", ...args], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: gitEnv
  }).trim()

export const gitEnv: NodeJS.ProcessEnv = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.com",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.com"
}

/** A repository with one commit. */
export const repository = (path: string): string => {
  mkdirSync(path, { recursive: true })
  git(path, "init", "-q")
  git(path, "commit", "-q", "--allow-empty", "-m", "first")
  return path
}
