/**
 * From the command to the complete screen of a session with 10,000 lines of history: `hob attach` beside `node -e 0`,
 * and a bare client of the session-host, which does what a native command would, beside `tmux attach`. tmux shows the
 * screen alone, so the bare client does, too, and once more with the history above it.
 *
 *     node bench/attach.ts [rounds] [lines]
 *
 * Targets: `hob attach` complete 25 ms after `node -e 0`; the bare client's screen within 1.0 of tmux's, its first byte
 * with all the history within 10 ms. All take turns within each round; the clock is that of a terminal that reads as fast as a program can. Needs a C
 * compiler; tmux is left out when it isn't there. Uses the built hob.
 */
import { execFile, execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { call } from "../src/client/wire/bare.ts"
import type { DataTicket } from "../src/protocol/sessions.ts"
import { binary, makeHome } from "../test/support/home.ts"
import { spread } from "./support/statistics.ts"
import { tmuxVersion } from "./support/tmux.ts"

const run = promisify(execFile)
const rounds = Number(process.argv[2] ?? 15)
const lines = Number(process.argv[3] ?? 10_000)
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const compile = (name: string): string => {
  const program = join(directory, name)
  execFileSync("cc", ["-O2", "-o", program, join(import.meta.dirname, `support/${name}.c`), "-lutil"])
  return program
}
const [untilSeen, bareAttach] = [compile("untilSeen"), compile("bareAttach")]
const hasTmux = tmuxVersion !== null

const text = Array.from(
  { length: lines },
  (_, line) => `\u001b[3${line % 7}m${line}\u001b[0m ${"the quick brown fox ".repeat(3)}\r\n`
).join("")
const file = join(directory, "text")
writeFileSync(file, text)
const MARK = "all_is_here"
const program = `cat ${file}; printf '${MARK.slice(0, 3)}'; printf '${MARK.slice(3)}'; exec sleep 100000`

const home = makeHome()
const socket = join(directory, "tmux")
const tmux = (...args: ReadonlyArray<string>) =>
  execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], {
    encoding: "utf8",
    env: { ...home.env, TERM: "xterm-256color" }
  })

interface Seen {
  readonly first: number
  readonly millis: number
  readonly bytes: number
}

/** Milliseconds to the first byte and to the mark, or to the end of a command that shows none. */
const until = async (mark: string, ...command: ReadonlyArray<string>): Promise<Seen> => {
  const { stdout } = await run(untilSeen, ["80", "24", mark, ...command], {
    env: { ...home.env, TERM: "xterm-256color" }
  })
  const [first, millis, bytes, seen] = stdout.trim().split(" ").map(Number) as [number, number, number, number]
  if (mark === MARK && seen !== 1) throw new Error(`${command.join(" ")} did not show the mark`)
  return { first, millis, bytes }
}

const bare = async (history: number) => {
  const params = { session: "full", mode: "attach", readOnly: true }
  const { path, ticket } = (await call(home.paths.socket, "sessions.attach", params)) as DataTicket
  return until(MARK, bareAttach, path, ticket, String(history))
}

const ways: Record<string, () => Promise<Seen>> = {
  "node -e 0": () => until("never", process.execPath, "-e", "0"),
  "hob attach": () => until(MARK, binary, "attach", "full"),
  ...(hasTmux ? { "tmux attach": () => until(MARK, "tmux", "-S", socket, "attach", "-t", "full") } : {}),
  "a bare client, the screen": () => bare(0),
  "a bare client, history too": () => bare(lines)
}

try {
  await home.ok(["run", "--detach", "--name", "full", "--", "sh", "-c", program])
  if (hasTmux) {
    tmux("start-server", ";", "set-option", "-g", "history-limit", String(lines + 100))
    tmux("new-session", "-d", "-s", "full", "-x", "80", "-y", "24", program)
  }
  while (!(await home.ok(["output", "full", "--tail", "100"])).includes(MARK)) {}
  if (hasTmux) while (!tmux("capture-pane", "-p", "-t", "full").includes(MARK)) {}
  const seen = new Map<string, Array<Seen>>(Object.keys(ways).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const one = await way()
      // The first round warms up.
      if (round > 0) seen.get(name)!.push(one)
    }
  }
  console.log(`${lines} lines, median of ${rounds} rounds (lowest to highest), Node ${process.version}`)
  for (const [name, all] of seen) {
    const millis = spread(
      all.map((each) => each.millis),
      1
    )
    const first = spread(
      all.map((each) => each.first),
      1
    )
    console.log(
      `${name.padEnd(27)} complete ${millis.padEnd(26)} ms   first byte ${first.padEnd(24)} ms   ${all[0]!.bytes} bytes`
    )
  }
  const against = (name: string, peer: string, how: (a: number, b: number) => number) =>
    spread(
      seen.get(name)!.map(({ millis }, at) => how(millis, seen.get(peer)![at]!.millis)),
      2
    )
  console.log(`hob attach − node -e 0: ${against("hob attach", "node -e 0", (a, b) => a - b)} ms`)
  if (hasTmux) {
    const name = "a bare client, the screen"
    console.log(`${name} ÷ tmux attach: ${against(name, "tmux attach", (a, b) => a / b)}`)
  }
} finally {
  if (hasTmux) tmux("kill-server")
  await home.destroy()
  rmSync(directory, { recursive: true, force: true })
}
