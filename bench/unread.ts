/**
 * What input costs that nobody reads: 1 MB is pasted into a session whose program never reads, and so many seconds pass.
 *
 *     node bench/unread.ts [seconds] [keys]
 *
 * Targets: hob's processes together within 1 % of a core, nothing lost silently (what does not fit is refused with an
 * error), and a key's echo in another session as fast as before. Beside it tmux, pasting the same into a pane. Linux
 * only. Needs a C compiler; tmux is left out when it isn't there. Uses the built hob.
 */
import { execFile, execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { call } from "../src/client/wire/bare.ts"
import type { DataTicket } from "../src/protocol/sessions.ts"
import { makeHome } from "../test/support/home.ts"
import { processesOf, type Status, usage } from "./support/processes.ts"
import { tmuxVersion } from "./support/tmux.ts"

const run = promisify(execFile)
const seconds = Number(process.argv[2] ?? 10)
const keys = Number(process.argv[3] ?? 300)
const PASTE = Buffer.alloc(1_000_000, "a line that nobody will ever read\n")
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const typist = join(directory, "keys")
const socket = join(directory, "tmux")
const home = makeHome()
const env = { ...home.env, TERM: "xterm-256color" }
const tmux = (args: ReadonlyArray<string>, input?: Buffer) =>
  execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], { env, encoding: "utf8", input })

/** Median of the microseconds from a key to its echo, in a session that has nothing to do with it. */
const echo = async (): Promise<string> => {
  const { path, ticket } = (await call(home.paths.socket, "sessions.attach", {
    session: "echo",
    mode: "attach"
  })) as DataTicket
  const { stdout } = await run(typist, [String(keys), "4000", "host", path, ticket], { env })
  const all = stdout
    .trim()
    .split("\n")
    .map(Number)
    .sort((a, b) => a - b)
  return `p50 ${all[keys >> 1]} µs, p99 ${all[Math.floor(keys * 0.99)]} µs`
}

const paste = async (): Promise<string> => {
  const params = { session: "deaf", data: PASTE.toString("base64") }
  try {
    return JSON.stringify(await call(home.paths.socket, "sessions.send", params))
  } catch (error) {
    return (error as Error).message
  }
}

/** Percent of a core, of all of them together. */
const share = async (pids: ReadonlyArray<number>): Promise<string> => {
  const used = () => pids.reduce((sum, pid) => sum + usage(pid).cpuSeconds, 0)
  const before = used()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  return (((used() - before) / seconds) * 100).toFixed(2)
}

execFileSync("cc", ["-O2", "-o", typist, join(import.meta.dirname, "support/keys.c"), "-lutil"])
try {
  await home.ok(["run", "--detach", "--name", "echo", "--", "sh", "-c", "stty raw -echo; exec cat"])
  await home.ok(["run", "--detach", "--name", "deaf", "--", "sleep", "100000"])
  const before = await echo()
  const first = await paste()
  const again = await paste()
  const after = await echo()
  const processes = processesOf(await home.json<Status>(["status"]))
  console.log(`1 MB into a program that never reads, ${seconds} s, Node ${process.version}`)
  console.log(`sessions.send ${first}`)
  console.log(`once more     ${again}`)
  console.log(`echo beside   ${before} before, ${after} after`)
  console.log(`hob           ${await share(Object.values(processes))} % of a core`)
  if (tmuxVersion !== null) {
    tmux(["new-session", "-d", "-s", "deaf", "sleep 100000"])
    tmux(["load-buffer", "-b", "paste", "-"], PASTE)
    tmux(["paste-buffer", "-b", "paste", "-t", "deaf"])
    const pid = Number(tmux(["display-message", "-p", "#{pid}"]))
    console.log(`${tmuxVersion.padEnd(13)} ${await share([pid])} % of a core`)
  }
} finally {
  if (tmuxVersion !== null) {
    try {
      tmux(["kill-server"])
    } catch {
      // It was not started.
    }
  }
  await home.destroy()
  rmSync(directory, { recursive: true, force: true })
}
