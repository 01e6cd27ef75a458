/** A place where a real agent works: a home, a repository where capture is installed, and a model that does as it is told. */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { AgentName } from "../../src/config/agentPaths.ts"
import type { Capture, CaptureEntry } from "../../src/protocol/captureEntries.ts"
import type { CaptureSave } from "../../src/protocol/captureSaves.ts"
import { git, gitEnv, repository } from "../capture/support.ts"
import { type Home, makeHome } from "../support/home.ts"
import { type Dialect, ModelServer, type Part } from "../support/models/ModelServer.ts"

interface Installed {
  readonly binary: string
  readonly version: string
  readonly problem?: string
}

/** What `npm run test:agents` has installed. Throws where there is none, with the reason. */
export const installed = (agent: AgentName): Installed => {
  const all = JSON.parse(process.env["REAL_AGENTS"] ?? "{}") as Readonly<Record<string, Installed>>
  const found = all[agent]
  if (found === undefined) throw new Error("These tests are run by `npm run test:agents`.")
  if (found.problem !== undefined) throw new Error(found.problem)
  return found
}

export interface Cast {
  readonly agent: AgentName
  readonly dialect: Dialect
  /** Writes what the agent wants to find in its HOME; the variables of its environment. */
  readonly prepare: (place: {
    readonly home: string
    readonly repo: string
    readonly url: string
  }) => Readonly<Record<string, string>>
  /** The keys that answer what it asks before it can be talked to; null where nobody knows. */
  readonly answer?: (screen: string) => ReadonlyArray<string> | null
  /** The call of a tool that writes a file. */
  readonly write: (file: string, content: string) => Part
}

export class Stage implements AsyncDisposable {
  readonly home: Home
  readonly repo: string
  readonly model: ModelServer
  readonly #env: Readonly<Record<string, string>>
  readonly #binary: string

  private constructor(
    home: Home,
    repo: string,
    model: ModelServer,
    env: Readonly<Record<string, string>>,
    binary: string
  ) {
    this.home = home
    this.repo = repo
    this.model = model
    this.#env = env
    this.#binary = binary
  }

  static async open(cast: Cast, install: boolean): Promise<Stage> {
    const { binary } = installed(cast.agent)
    const home = makeHome()
    const root = realpathSync(dirname(home.paths.home))
    const repo = repository(join(realpathSync(mkdtempSync(join(root, "work-"))), "my repo"))
    const model = await ModelServer.start(cast.dialect)
    const write = cast.prepare({ home: root, repo, url: model.url })
    const env = { ...write, TERM: "xterm-256color", PATH: `${dirname(binary)}:${process.env["PATH"]}` }
    await home.ok(["start"])
    const agent = install ? cast.agent : "none"
    await home.ok(["capture", "install", "--repo", repo, "--agent", agent])
    return new Stage(home, repo, model, env, binary)
  }

  /** Starts the agent in a session; its id. */
  async run(args: ReadonlyArray<string>, ...flags: ReadonlyArray<string>): Promise<string> {
    const variables = Object.entries(this.#env).flatMap(([name, value]) => ["--env", `${name}=${value}`])
    const words = ["run", "--detach", "--cwd", this.repo, ...variables, ...flags, "--", this.#binary, ...args]
    return (await this.home.ok(words)).trim()
  }

  /** Waits for its end, which has to be a good one; what it has printed. */
  async ended(id: string): Promise<string> {
    await this.home.hob(["wait", id, "--timeout", "180s"])
    const output = await this.home.ok(["output", id])
    const { exit } = await this.home.json<{ exit: { code: number | null } | null }>(["show", id])
    if (exit?.code !== 0) throw new Error(`the agent ended with ${JSON.stringify(exit)}:\n${output}`)
    return output
  }

  /** Waits until it does nothing; what it asks before its user may go on is answered. */
  async idle(id: string, answer: Cast["answer"] = () => null): Promise<void> {
    for (let asked = ""; ;) {
      const state = await this.home.hob(["wait", id, "--state", "idle,waiting", "--timeout", "60s"])
      const screen = await this.home.ok(["screen", id])
      if (state.code !== 0) throw new Error(`it does not come to rest:\n${screen}`)
      if (state.stdout.trim() === "idle") return
      const keys = screen === asked ? null : answer(screen)
      if (keys === null) throw new Error(`it waits for its user:\n${screen}`)
      asked = screen
      await this.home.ok(["send", id, "--key", ...keys])
    }
  }

  /** Says something to it, once it can be talked to: a question may come a moment behind its prompt. */
  async say(id: string, text: string, answer: Cast["answer"]): Promise<void> {
    for (;;) {
      await this.idle(id, answer)
      const sent = await this.home.hob(["send", "--submit", id, text])
      if (sent.code === 0) return
      if (!sent.stderr.includes("asks its user")) throw new Error(sent.stderr)
    }
  }

  async captures(): Promise<ReadonlyArray<Capture>> {
    return (await this.home.json<{ captures: ReadonlyArray<Capture> }>(["capture", "ls", "--all"])).captures
  }

  /** What was captured, a line each. */
  async said(id: string): Promise<ReadonlyArray<string>> {
    const { entries } = await this.home.json<{ entries: ReadonlyArray<CaptureEntry> }>(["capture", "show", id])
    return entries.map((entry) =>
      entry.type === "message" ? `${entry.role}: ${entry.content}` : `${entry.kind} ${entry.path}\n${entry.diff}`
    )
  }

  /** Commits all there is as a person does, with the hooks; the commit. */
  async commit(): Promise<string> {
    const { home, repo } = this
    git(repo, "add", "--all", "--", ":!.prompts")
    const env = { ...gitEnv, HOB_HOME: home.paths.home, HOME: dirname(home.paths.home), PATH: process.env["PATH"] }
    await new Promise<void>((done, fail) =>
      execFile("git", ["commit", "-q", "-m", "work", "--allow-empty"], { cwd: repo, env }, (error, _out, err) =>
        error === null ? done() : fail(new Error(err))
      )
    )
    return git(repo, "rev-parse", "HEAD")
  }

  async saves(commit: string): Promise<ReadonlyArray<CaptureSave>> {
    return (await this.home.json<{ saves: ReadonlyArray<CaptureSave> }>(["capture", "saves", "--commit", commit])).saves
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.home.destroy()
    await this.model[Symbol.asyncDispose]()
  }
}

/** Writes a file below a directory. */
export const put = (directory: string, name: string, text: string): void => {
  mkdirSync(dirname(join(directory, name)), { recursive: true })
  writeFileSync(join(directory, name), text)
}
