/**
 * From a key to its echo: alone, beside 20 busy sessions, and beside one that floods, through `hob attach`, through a
 * bare client of the session-host, and through `tmux attach`.
 *
 *     node bench/echo.ts [rounds] [keys] [alone|busy|flood …]
 *
 * Targets: p50 alone and beside 20 busy sessions within 2 of tmux's, of the bare client 1.4, p99 within 3 ms; beside
 * one that floods p99 below 20 ms, and hob's processes grow by less than 20 MB. All take turns within each round; ratios are within the round. The session is `cat` on a raw terminal, a busy one
 * redraws a line of its screen fifty times a second, the one that floods is `yes`. Needs a C compiler; tmux is left out
 * when it isn't there. Uses the built hob.
 */
import { execFile, execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { call } from "../src/client/wire/bare.ts"
import type { DataTicket } from "../src/protocol/sessions.ts"
import { binary, makeHome } from "../test/support/home.ts"
import { processesOf, type Status, usage } from "./support/processes.ts"
import { median, spread } from "./support/statistics.ts"
import { tmuxVersion } from "./support/tmux.ts"

const run = promisify(execFile)
const rounds = Number(process.argv[2] ?? 5)
const keys = Number(process.argv[3] ?? 400)
const chosen = process.argv.slice(4)
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const compile = (name: string): string => {
  const program = join(directory, name)
  execFileSync("cc", ["-O2", "-o", program, join(import.meta.dirname, `support/${name}.c`), "-lutil"])
  return program
}
const [typist, busy] = [compile("keys"), compile("busy")]

const home = makeHome()
const ECHO = "stty raw -echo; exec cat"
const socket = join(directory, "tmux")
const tmux = (...args: ReadonlyArray<string>) =>
  execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], { env: { ...home.env, TERM: "xterm-256color" } })

/** Microseconds of each key. */
const type = async (...how: ReadonlyArray<string>): Promise<ReadonlyArray<number>> => {
  const { stdout } = await run(typist, [String(keys), "4000", ...how], {
    env: { ...home.env, TERM: "xterm-256color" },
    maxBuffer: 64 * 1024 * 1024
  })
  const all = stdout.trim().split("\n").map(Number)
  if (all.length !== keys) throw new Error(`${all.length} of ${keys} keys were shown`)
  return all.sort((a, b) => a - b)
}

const bareClient = async () => {
  const ticket = (await call(home.paths.socket, "sessions.attach", { session: "echo", mode: "attach" })) as DataTicket
  return type("host", ticket.path, ticket.ticket)
}

const ways: Record<string, () => Promise<ReadonlyArray<number>>> = {
  ...(tmuxVersion === null ? {} : { [tmuxVersion]: () => type("pty", "tmux", "-S", socket, "attach", "-t", "echo") }),
  "a bare client": bareClient,
  "hob attach": () => type("pty", binary, "attach", "--take", "echo")
}

/** `around`: what runs while a way is measured, and no other; it returns its end. */
const measure = async (beside: string, around?: (name: string) => Promise<() => Promise<void>>) => {
  const times = new Map<string, Array<{ p50: number; p99: number }>>(Object.keys(ways).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const end = await around?.(name)
      const all = await way()
      await end?.()
      times.get(name)!.push({ p50: all[keys >> 1]!, p99: all[Math.floor(keys * 0.99)]! })
    }
  }
  console.log(`\n${beside}: microseconds, median of ${rounds} rounds (lowest to highest) of ${keys} keys`)
  const reference = tmuxVersion === null ? null : times.get(tmuxVersion)!
  for (const [name, results] of times) {
    const ratio = reference === null ? "" : `  × tmux ${spread(results.map(({ p50 }, at) => p50 / reference[at]!.p50))}`
    const p50 = spread(
      results.map((result) => result.p50),
      0
    )
    const p99 = spread(
      results.map((result) => result.p99),
      0
    )
    console.log(`${name.padEnd(16)} p50 ${p50.padEnd(24)} p99 ${p99.padEnd(24)}${ratio}`)
  }
  return median(times.get("a bare client")!.map(({ p99 }) => p99))
}

const beside = async (name: string, count: number, command: ReadonlyArray<string>) => {
  for (let each = 0; each < count; each++) {
    await home.ok(["run", "--detach", "--name", `${name}${each}`, "--", ...command])
    if (tmuxVersion !== null) tmux("new-window", "-d", "-t", "echo", "-n", `${name}${each}`, ...command)
  }
  return async () => {
    for (let each = 0; each < count; each++) {
      await home.ok(["kill", "--signal", "KILL", `${name}${each}`])
      if (tmuxVersion !== null) tmux("kill-window", "-t", `echo:${name}${each}`)
    }
  }
}

try {
  await home.ok(["run", "--detach", "--name", "echo", "--", "sh", "-c", ECHO])
  if (tmuxVersion !== null) tmux("new-session", "-d", "-s", "echo", "-x", "80", "-y", "24", ECHO)
  const wanted = (name: string) => chosen.length === 0 || chosen.includes(name)
  console.log(`Node ${process.version}`)
  if (wanted("alone")) await measure("alone")
  if (wanted("busy")) {
    const end = await beside("busy", 20, [busy, "20"])
    await measure("beside 20 busy sessions")
    await end()
  }
  if (wanted("flood")) {
    const processes = processesOf(await home.json<Status>(["status"]))
    const resident = () => Object.values(processes).map((pid) => usage(pid).residentMegabytes)
    const before = resident()
    await measure("beside a session that floods", async (name) => {
      if (name !== tmuxVersion) {
        await home.ok(["run", "--detach", "--name", "flood", "--", "yes"])
        return async () => void (await home.ok(["kill", "--signal", "KILL", "flood"]))
      }
      tmux("new-window", "-d", "-t", "echo", "-n", "flood", "yes")
      return async () => void tmux("kill-window", "-t", "echo:flood")
    })
    const grown = resident().map((now, at) => `${Object.keys(processes)[at]} ${(now - before[at]!).toFixed(1)} MB`)
    console.log(`grown meanwhile: ${grown.join(", ")}`)
  }
} finally {
  if (tmuxVersion !== null) tmux("kill-server")
  await home.destroy()
  rmSync(directory, { recursive: true, force: true })
}
