/**
 * What capture costs whoever waits for it. Each against something bare, taking turns in one run:
 *
 * - `hob capture hook claude` with a prompt of 4 KiB, the whole command, of `node -e 0`
 * - `git commit` with the hooks and 20 captured messages, less the same commit without, of `node -e 0`
 * - `capture.addMessage` acknowledged and on the disk, 64 in flight on one connection, of one INSERT a transaction in a
 *   bare `node:sqlite` loop, both with a flush for each commit
 * - `capture.search` in 100,000 messages, within the daemon, of `grep -r` over the same text; and `hob capture search`,
 *   the whole command, of `node -e 0`
 *
 *     node bench/capture.ts [rounds] [messages]
 *
 * Times are wall clock; beside those of commands stands the processor time, which says more on a machine that is busy.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as bare from "../src/client/wire/bare.ts"
import { makePaths } from "../src/config/paths.ts"
import { median, spread } from "./support/statistics.ts"

const [rounds, messages] = [process.argv[2] ?? 15, process.argv[3] ?? 100_000].map(Number) as [number, number]
const root = mkdtempSync(join(tmpdir(), "hob-bench-"))
const env = {
  PATH: process.env["PATH"],
  HOME: root,
  HOB_HOME: join(root, "h"),
  HOB_STORAGE_DURABILITY: "power-loss",
  HOB_CAPTURE_CAPTURE_BYTES: String(2 ** 30),
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.com",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.com"
}
const paths = makePaths(env)
const hob = resolve(import.meta.dirname, "../bin/hob")

interface Took {
  readonly wall: number
  readonly cpu: number
}

/** A command's time, and what it and all that it waited for took of processors, in milliseconds. */
const took = (file: string, args: ReadonlyArray<string>, options: { input?: string; cwd?: string } = {}): Took => {
  const began = process.hrtime.bigint()
  const { error, status, stderr } = spawnSync("bash", ["-c", 'TIMEFORMAT="%U %S"; time "$@"', "bash", file, ...args], {
    env,
    encoding: "utf8",
    ...options
  })
  const wall = Number(process.hrtime.bigint() - began) / 1e6
  if (error !== undefined || status !== 0) throw new Error(`${file} ${args.join(" ")}: ${error?.message ?? stderr}`)
  const [user = 0, system = 0] = stderr
    .trimEnd()
    .split("\n")
    .at(-1)!
    .split(" ")
    .map((seconds) => Number(seconds) * 1000)
  return { wall, cpu: user + system }
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const line = (name: string, ratios: ReadonlyArray<number>, cpu: ReadonlyArray<number>, target: string): void =>
  say(`${name.padEnd(58)} ${spread(ratios)}; by processor time ${spread(cpu)}   target ${target}`)

let state = 12_345
const random = (below: number): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
  return (state >> 4) % below
}
const words = Array.from({ length: 5000 }, (_, index) => ((index * 2_654_435_761) >>> 0).toString(36))
const sentence = (count: number): string => Array.from({ length: count }, () => words[random(words.length)]).join(" ")

const event = (session: string, cwd: string, prompt: string): string =>
  JSON.stringify({
    session_id: session,
    cwd,
    hook_event_name: "UserPromptSubmit",
    prompt_id: String(random(1e9)),
    prompt
  })

const repository = (name: string): string => {
  const path = join(root, name)
  mkdirSync(path)
  for (const args of [
    ["init", "-q"],
    ["commit", "-q", "--allow-empty", "-m", "first"]
  ])
    spawnSync("git", args, { cwd: path, env })
  return path
}

const hooks = (): void => {
  const repo = repository("hooked")
  const prompt = sentence(600).slice(0, 4096)
  const hook = () => took(hob, ["capture", "hook", "claude"], { input: event("s", repo, prompt) })
  const base = () => took(process.execPath, ["-e", "0"])
  hook()
  base()
  const pairs = Array.from({ length: rounds }, () => [hook(), base()] as const)
  line(
    "hob capture hook, 4 KiB, of node -e 0",
    pairs.map(([a, b]) => a.wall / b.wall),
    pairs.map(([a, b]) => a.cpu / b.cpu),
    "≤ 1.5"
  )
}

const commits = async (): Promise<void> => {
  const [plain, hooked] = [repository("plain"), repository("with hooks")]
  spawnSync(hob, ["capture", "install", "--agent", "none", "--repo", hooked], { env })
  const client = await bare.open(paths.socket)
  const commit = (cwd: string) => took("git", ["commit", "-q", "--allow-empty", "-m", "x"], { cwd })
  const extra: Array<number> = []
  const cpu: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const { id } = (await client.call("capture.create", { tool: "t", cwd: hooked })) as { readonly id: string }
    await Promise.all(
      Array.from({ length: 20 }, () =>
        client.call("capture.addMessage", { capture: id, role: "user", content: sentence(60) })
      )
    )
    const [a, b, node] = [commit(hooked), commit(plain), took(process.execPath, ["-e", "0"])]
    extra.push((a.wall - b.wall) / node.wall)
    cpu.push((a.cpu - b.cpu) / node.cpu)
    // What goes on behind the commit is not to be measured with the next one.
    for (;;) {
      const { saves } = (await client.call("capture.saves", { capture: id })) as {
        readonly saves: ReadonlyArray<unknown>
      }
      if (saves.length > 0) break
    }
  }
  client.close()
  line("git commit with hooks, less without, of node -e 0", extra, cpu, "≤ 1")
}

const IN_FLIGHT = 64

const adding = async (): Promise<void> => {
  const count = 6400
  const texts = Array.from({ length: count }, () => sentence(40))
  const client = await bare.open(paths.socket)
  const database = new DatabaseSync(join(root, "bare.db"))
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE m (id INTEGER PRIMARY KEY, content TEXT NOT NULL)"
  )
  const insert = database.prepare("INSERT INTO m (content) VALUES (?)")
  const ratios: Array<number> = []
  for (let round = 0; round < Math.max(5, rounds / 3); round++) {
    const { id } = (await client.call("capture.create", { tool: "t" })) as { readonly id: string }
    let began = process.hrtime.bigint()
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < count)
        await client.call("capture.addMessage", { capture: id, role: "user", content: texts[next++]! })
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
    const ours = Number(process.hrtime.bigint() - began)
    began = process.hrtime.bigint()
    for (const text of texts) insert.run(text)
    ratios.push(Number(process.hrtime.bigint() - began) / ours)
  }
  database.close()
  client.close()
  say(`${"addMessage durable, 64 in flight, of one INSERT a commit".padEnd(58)} ${spread(ratios)}   target ≥ 2`)
}

const searching = async (): Promise<void> => {
  const client = await bare.open(paths.socket)
  const files = join(root, "files")
  mkdirSync(files)
  const perCapture = 1000
  for (let capture = 0; capture < messages / perCapture; capture++) {
    const { id } = (await client.call("capture.create", { tool: "t" })) as { readonly id: string }
    const texts = Array.from({ length: perCapture }, (_, index) =>
      capture === 7 && index === 500 ? `${sentence(20)} a needle in there` : sentence(40)
    )
    await Promise.all(texts.map((content) => client.call("capture.addMessage", { capture: id, role: "user", content })))
    writeFileSync(join(files, `${id}.txt`), texts.join("\n"))
  }
  const query = async () => {
    const began = process.hrtime.bigint()
    await client.call("capture.search", { text: "a needle in there" })
    return Number(process.hrtime.bigint() - began) / 1e6
  }
  const first = await query()
  const within: Array<number> = []
  const whole: Array<number> = []
  const cpu: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const grep = took("grep", ["-r", "a needle in there", files])
    within.push((await query()) / grep.wall)
    const command = took(hob, ["capture", "search", "a needle in there"])
    const node = took(process.execPath, ["-e", "0"])
    whole.push(command.wall / node.wall)
    cpu.push(command.cpu / node.cpu)
  }
  client.close()
  say(
    `${`search of ${messages} messages in the daemon, of grep -r`.padEnd(58)} ${spread(within, 3)}   target ≤ 0.2 (the first after a start, which reads all: ${(first / 1000).toFixed(1)} s)`
  )
  line("hob capture search, the whole command, of node -e 0", whole, cpu, "≤ 1.6")
}

try {
  spawnSync(hob, ["start"], { env })
  say(
    `${rounds} rounds; median (lowest to highest); node ${process.version}, node -e 0: ${median(Array.from({ length: 5 }, () => took(process.execPath, ["-e", "0"]).wall)).toFixed(0)} ms`
  )
  hooks()
  await commits()
  await adding()
  await searching()
} finally {
  spawnSync(hob, ["stop", "--all"], { env, stdio: "ignore" })
  rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
