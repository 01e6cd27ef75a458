import { execFile, spawn, type ChildProcess } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { baseOf, ownHierarchies, sessionGroup } from "../../src/config/cgroups.ts"
import { makePaths, type Paths } from "../../src/config/paths.ts"

export const binary = resolve(import.meta.dirname, "../../bin/hob")

export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A hob of its own in a temporary directory, used through its binary as a person would. */
export interface Home {
  readonly paths: Paths
  readonly env: NodeJS.ProcessEnv
  /** Runs `hob ARGS…` to its end. */
  readonly hob: (
    args: ReadonlyArray<string>,
    options?: { input?: string | Buffer; env?: NodeJS.ProcessEnv }
  ) => Promise<Ran>
  /** Runs `hob ARGS…`, fails unless it exits with 0, and gives its standard output. */
  readonly ok: (
    args: ReadonlyArray<string>,
    options?: { input?: string | Buffer; env?: NodeJS.ProcessEnv }
  ) => Promise<string>
  /** The same, parsed as JSON. */
  readonly json: <A>(args: ReadonlyArray<string>) => Promise<A>
  /** Starts `hob ARGS…` and leaves it running. */
  readonly start: (args: ReadonlyArray<string>) => ChildProcess
  readonly daemonPid: () => Promise<number>
  /** Kills the daemon and waits until it is dead: a call that reaches it while it dies is lost. Its pid. */
  readonly killDaemon: () => Promise<number>
  readonly hostPid: () => Promise<number>
  /** Ends everything that belongs to this home, whatever state it is in, and removes it. */
  readonly destroy: () => Promise<void>
}

/** Variables of the machine that runs the tests which must not reach the hob under test. */
const clean = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(HOB_|XDG_|VITEST|NODE_OPTIONS|npm_)/.test(name)))

export const makeHome = (extra: NodeJS.ProcessEnv = {}): Home => {
  const root = mkdtempSync(join(tmpdir(), "hob-"))
  const home = join(root, "h")
  const env: NodeJS.ProcessEnv = { ...clean(process.env), HOME: root, HOB_HOME: home, ...extra }
  const paths = makePaths(env)

  const hob: Home["hob"] = (args, options = {}) =>
    new Promise((done) => {
      const child = execFile(
        binary,
        [...args],
        { env: { ...env, ...options.env }, encoding: "utf8", maxBuffer: 256 * 1024 * 1024, cwd: root },
        (_error, stdout, stderr) => done({ code: child.exitCode, signal: child.signalCode, stdout, stderr })
      )
      child.stdin?.on("error", () => undefined)
      child.stdin?.end(options.input ?? "")
    })

  const ok: Home["ok"] = async (args, options) => {
    const ran = await hob(args, options)
    if (ran.code !== 0)
      throw new Error(`hob ${args.join(" ")}: exit ${ran.code ?? ran.signal}\n${ran.stdout}\n${ran.stderr}`)
    return ran.stdout
  }

  const json = async <A>(args: ReadonlyArray<string>) => JSON.parse(await ok([...args, "--json"])) as A

  interface Status {
    readonly pid: number
    readonly sessionHost: { readonly pid: number } | null
  }

  return {
    paths,
    env,
    hob,
    ok,
    json,
    start: (args) => spawn(binary, [...args], { env, cwd: root, stdio: "pipe" }),
    daemonPid: async () => (await json<Status>(["status"])).pid,
    killDaemon: async () => {
      const { pid } = await json<Status>(["status"])
      process.kill(pid, "SIGKILL")
      await until("the daemon is dead", () => !isAlive(pid))
      return pid
    },
    hostPid: async () => {
      // A daemon that has just begun has yet to find it.
      let host: Status["sessionHost"] = null
      await until("a session-host is there", async () => (host = (await json<Status>(["status"])).sessionHost) !== null)
      return host!.pid
    },
    destroy: async () => {
      // Who is ended may have started another in that moment, which would write where all is removed.
      for (let round = 0, left = processesOf(home); left.length > 0 && round < 100; round++, left = processesOf(home)) {
        for (const pid of left) {
          try {
            process.kill(pid, "SIGKILL")
          } catch {
            // gone meanwhile
          }
        }
        await new Promise((again) => setTimeout(again, 10))
      }
      await removeCgroups(sessionsIn(join(home, "sessions")))
      rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
    }
  }
}

const sessionsIn = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** Removes the cgroups of sessions whose host was killed; those that still have processes after a while stay. */
const removeCgroups = async (ids: ReadonlyArray<string>): Promise<void> => {
  const all = ownHierarchies().flatMap(({ own }) => ids.map((id) => join(baseOf(own), sessionGroup(id))))
  for (let round = 0, left = all.filter(existsSync); left.length > 0 && round < 100; round++) {
    for (const directory of left) {
      try {
        rmdirSync(directory)
      } catch {
        // What was killed is not gone yet.
      }
    }
    left = left.filter(existsSync)
    if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Every process that was started with this HOB_HOME: the daemon, the host, and what runs in sessions. */
export const processesOf = (home: string): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      if (pid === process.pid) return false
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(`HOB_HOME=${home}`)
      } catch {
        return false
      }
    })

/** Whether a process is there and not a zombie. */
export const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

/** Waits until something is so; fails with what it waited for shortly before a test is given up. */
export const until = async (what: string, check: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + 110_000
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await new Promise((again) => setTimeout(again, 20))
  }
}
