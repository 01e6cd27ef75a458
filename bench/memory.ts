/**
 * What a session costs in memory: one that has printed nothing, and one with 10,000 lines behind it, beside tmux with
 * as many windows and a history of 10,000 lines.
 *
 *     node bench/memory.ts [sessions]
 *
 * Linux only: memory is the proportional set size of all of hob's own processes (daemon, session-host, screens process),
 * or of tmux's server; the programs in the sessions are not counted. It is read once it has stopped falling: hob lets
 * go of what it doesn't need when a session has been quiet for a while.
 */
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const sessions = Number(process.argv[2] ?? 100)
const run = promisify(execFile)
const home = mkdtempSync(join(tmpdir(), "hob-bench-"))
const binary = join(import.meta.dirname, "../bin/hob")
const env = { PATH: process.env["PATH"], HOME: home, HOB_HOME: join(home, "h"), TERM: "xterm-256color" }
const hob = async (...args: ReadonlyArray<string>) => (await run(binary, args, { env, cwd: home })).stdout
const socket = `hob-bench-${process.pid}`
const tmux = async (...args: ReadonlyArray<string>) =>
  (await run("tmux", ["-L", socket, "-f", "/dev/null", ...args], { env: { ...env, TMUX: "" } })).stdout
const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

/** Half of the lines coloured, as a build's or an agent's are. */
const fill = `i=0; while [ $i -lt 5000 ]; do i=$((i+1)); printf 'plain line %s of what a program prints all day long\\n\\033[32mok\\033[0m line %s with a colour or \\033[1mtwo\\033[0m\\n' $i $i; done`
const program = ["sh", "-c", `read go; ${fill}; exec cat`]

/** What each process takes, by what it calls itself. */
const parts = (pids: Iterable<number>): string =>
  [...pids]
    .map((pid) => `${readFileSync(`/proc/${pid}/comm`, "utf8").trim()} ${megabytes([pid]).toFixed(0)}`)
    .join(", ")

const megabytes = (pids: Iterable<number>): number => {
  let kilobytes = 0
  for (const pid of pids) {
    kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1])
  }
  return kilobytes / 1024
}

/** hob's own processes: of this home, and not in a session. */
const hobPids = (): ReadonlyArray<number> =>
  readdirSync("/proc").flatMap((name) => {
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "latin1").split("\0")
      const own = environment.includes(`HOB_HOME=${env.HOB_HOME}`)
      return own && !environment.some((entry) => entry.startsWith("HOB_SESSION_ID=")) ? [Number(name)] : []
    } catch {
      return []
    }
  })

const settled = async (pids: () => Iterable<number>): Promise<number> => {
  let lowest = megabytes(pids())
  for (let quiet = 0; quiet < 20; quiet++) {
    await sleep(2_000)
    const now = megabytes(pids())
    if (now < lowest * 0.98) quiet = 0
    lowest = Math.min(lowest, now)
  }
  return lowest
}

const measure = async (
  title: string,
  pids: () => Iterable<number>,
  start: () => Promise<unknown>,
  go: () => Promise<unknown>
) => {
  const base = await settled(pids)
  const said = [parts(pids())]
  await start()
  const empty = await settled(pids)
  said.push(parts(pids()))
  await go()
  const full = await settled(pids)
  said.push(parts(pids()))
  const each = (total: number) => `${((total - base) / sessions).toFixed(2)} MB each`
  console.log(
    `${title.padEnd(8)} alone ${base.toFixed(0)} MB   empty ${each(empty)}   10,000 lines ${each(full)}   ${sessions} sessions ${full.toFixed(0)} MB\n         MB of each process, alone, empty, full: ${said.join("; ")}`
  )
  return full - base
}

try {
  await hob("run", "--detach", "--name", "first", "--", "sh", "-c", "echo; exec cat")
  const names = Array.from({ length: sessions }, (_, number) => `s${number}`)
  const ours = await measure(
    "hob",
    hobPids,
    async () => {
      for (const name of names) await hob("run", "--detach", "--name", name, "--", ...program)
    },
    async () => {
      for (const name of names) await hob("send", name, "--key", "Enter")
      for (const name of names) await hob("wait", name, "--match", "line 5000 with", "--timeout", "5m")
    }
  )
  await tmux("new-session", "-d", "-x", "80", "-y", "24", "cat")
  await tmux("set-option", "-g", "history-limit", "10000")
  const server = Number(await tmux("display-message", "-p", "#{pid}"))
  const command = `sh -c '${program[2]!.replaceAll("'", `'\\''`)}'`
  const theirs = await measure(
    "tmux",
    () => [server],
    async () => {
      for (const name of names) await tmux("new-window", "-d", "-n", name, command)
    },
    async () => {
      for (const name of names) await tmux("send-keys", "-t", `:${name}`, "Enter")
      for (const name of names) {
        while (!(await tmux("capture-pane", "-p", "-t", `:${name}`)).includes("line 5000 with")) await sleep(200)
      }
    }
  )
  console.log(`with 10,000 lines: ${(ours / theirs).toFixed(2)} × tmux`)
} finally {
  await hob("stop", "--all").catch((error: unknown) => console.error(error))
  await tmux("kill-server").catch(() => {})
  rmSync(home, { recursive: true, force: true })
}
