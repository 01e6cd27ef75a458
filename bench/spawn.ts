/**
 * How long the session-host is busy with starting a program, in which no other session's output moves: with a few
 * sessions, and when it is as large as many sessions make it.
 *
 *     node bench/spawn.ts [spawns] [sessions]
 *
 * Target: within 10 ms at any size. The time is that from the request to its answer, which the host gives when the
 * program runs. The processor time of its event loop, all of a start in it, is what holds on a machine that does other
 * things too. Beside it tmux, `new-window` by a client that is there already (`tmux -C`).
 * tmux is left out when it isn't there. BENCH_SOURCE=1 runs the session-host from source though there is a build.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hostProgram, startHost } from "./support/host.ts"
import { usage } from "./support/processes.ts"
import { tmuxVersion } from "./support/tmux.ts"

const spawns = Number(process.argv[2] ?? 50)
const sessions = Number(process.argv[3] ?? 100)

const told = (all: ReadonlyArray<number>): string => {
  const sorted = all.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!.toFixed(1)
  return `p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, slowest ${at(1)} ms`
}

/** Milliseconds that the event loop of a process has had a processor. */
const loopMillis = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "latin1").split(" ")[0]) / 1e6

const timed = async (times: number, start: () => Promise<unknown>, pid?: number): Promise<string> => {
  const all: Array<number> = []
  const before = pid === undefined ? 0 : loopMillis(pid)
  for (let each = 0; each < times; each++) {
    const began = performance.now()
    await start()
    all.push(performance.now() - began)
  }
  const busy =
    pid === undefined
      ? ""
      : `, the event loop's processor time ${((loopMillis(pid) - before) / times).toFixed(1)} ms each`
  return told(all) + busy
}

/** A tmux that answers what is written to it. */
const tmuxControl = async (directory: string) => {
  const args = ["-S", join(directory, "tmux"), "-f", "/dev/null", "-C", "new-session", "sleep 100000"]
  const child = spawn("tmux", args, { stdio: ["pipe", "pipe", "ignore"] })
  child.stdout.setEncoding("utf8")
  let heard = ""
  const answer = async () => {
    while (!/^%(?:end|error) /m.test(heard)) heard += (await once(child.stdout, "data"))[0] as string
    heard = heard.slice(heard.search(/^%(?:end|error) /m) + 5)
  }
  await answer()
  return {
    ask: (command: string) => (child.stdin.write(`${command}\n`), answer()),
    end: async () => {
      child.stdin.write("kill-server\n")
      await once(child, "close")
    }
  }
}

const host = await startHost()
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const size = () => `${usage(host.pid).residentMegabytes.toFixed(0)} MB`
try {
  console.log(`${spawns} programs started one after the other, Node ${process.version}, ${hostProgram()}`)
  await timed(5, () => host.run(["true"]))
  console.log(`a host of ${size()}`.padEnd(42) + (await timed(spawns, () => host.run(["sleep", "100000"]), host.pid)))
  for (let each = 0; each < sessions; each++) {
    await host.run(["sh", "-c", `yes ${"some output ".repeat(6)} | head -c 400000; exec sleep 100000`])
  }
  console.log(
    `with ${sessions} full sessions more, ${size()}`.padEnd(42) +
      (await timed(spawns, () => host.run(["sleep", "1000"]), host.pid))
  )
  if (tmuxVersion !== null) {
    const tmux = await tmuxControl(directory)
    await timed(5, () => tmux.ask("new-window -d true"))
    console.log(
      `${tmuxVersion}, new-window`.padEnd(42) + (await timed(spawns, () => tmux.ask("new-window -d 'sleep 1000'")))
    )
    await tmux.end()
  }
} finally {
  await host.stop()
  rmSync(directory, { recursive: true, force: true })
}
