/**
 * What it takes to look through 1 GB of history: `hob search`, the whole command, as a multiple of ripgrep over the same
 * text in plain files.
 *
 *     node bench/search.ts [rounds] [megabytes] [sessions]
 *
 * ripgrep prints all lines that match; hob as many as are asked for, with their numbers. The history is that of
 * sessions that have ended, written as the screens process writes it. Told beside it: the size of the index, and what
 * making it costs. Needs `rg`.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { makePaths } from "../src/config/paths.ts"
import { writeCheckpoint } from "../src/screens/checkpoint.ts"
import { Emulator } from "../src/terminal/Emulator.ts"
import { TextHistory } from "../src/screens/history/TextHistory.ts"
import { Trigrams } from "../src/screens/history/trigrams.ts"
import { median, spread } from "./support/statistics.ts"

const [rounds, megabytes, sessions] = [process.argv[2] ?? 7, process.argv[3] ?? 1000, process.argv[4] ?? 20].map(
  Number
) as [number, number, number]
const home = mkdtempSync(join(tmpdir(), "hob-bench-"))
const env = { PATH: process.env["PATH"], HOME: home, HOB_HOME: join(home, "h") }
const paths = makePaths(env)
const hob = resolve(import.meta.dirname, "../bin/hob")

const words =
  "the quick compiler jumps over lazy tests while agents read files and write code error warning build failed passed module function return import export const".split(
    " "
  )
let state = 12_345
const random = (below: number) => {
  state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff
  return (state >> 4) % below
}
const line = () =>
  Array.from({ length: 12 }, () => words[random(words.length)]! + (random(5) === 0 ? random(100_000) : "")).join(" ")

const writeSession = (number: number) => {
  const id = randomUUID()
  const directory = join(paths.sessions, id)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const at = new Date(Date.now() - number * 1000).toISOString()
  const file = { id, name: null, tags: [], command: ["sh"], cwd: "/", kind: "pty", cols: 80, rows: 24, createdAt: at }
  const exit = { exit: { code: 0, signal: null, at }, closedAt: at, output: { oldest: 0, end: 0 }, logLostBytes: 0 }
  writeFileSync(join(directory, "session.json"), JSON.stringify(file))
  writeFileSync(join(directory, "exit.json"), JSON.stringify(exit))
  const history = new TextHistory({ directory, maxBytes: 1e12 })
  let bytes = 0
  const wanted = (megabytes * 1e6) / sessions
  for (let count = 0; bytes < wanted; count++) {
    const text = count === 200_000 && number % 5 === 0 ? "xylophone: a marker that is nowhere else" : line()
    history.append(text, bytes, Date.now())
    bytes += text.length + 1
  }
  history.close()
  const nextLine = history.nextLine
  const head = { offset: 0, cols: 80, rows: 24, nextLine, emulated: 0, erasedTo: 0, partial: null, historyRows: 0 }
  const complete = { complete: true, title: null, activity: null }
  writeCheckpoint(directory, {
    head: { ...head, ...complete },
    tail: [],
    emulator: new Emulator({ cols: 80, rows: 24 }).toCheckpoint()
  })
}

const NOWHERE = "zebra crossing"

const millis = (file: string, ...args: ReadonlyArray<string>): number => {
  const began = process.hrtime.bigint()
  const { error, status, stderr } = spawnSync(file, args, { env, stdio: ["ignore", "ignore", "pipe"] })
  const took = Number(process.hrtime.bigint() - began) / 1e6
  if (error !== undefined || (status !== 0 && !args.includes(NOWHERE)))
    throw new Error(`${file}: ${error?.message ?? stderr}`)
  return took
}

const sizeOf = (extension: string): number => {
  let bytes = 0
  for (const name of readdirSync(paths.sessions, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(extension)) bytes += statSync(join(paths.sessions, name)).size
  }
  return bytes
}

const indexing = () => {
  const text = Buffer.from(
    Array.from({ length: 40_000 }, line)
      .join("\n")
      .slice(0, 4 * 1024 * 1024)
  )
  const began = performance.now()
  for (let times = 0; times < 5; times++) {
    const trigrams = new Trigrams()
    for (let block = 0; block * 65_536 < text.length; block++) {
      trigrams.add(block, text.subarray(block * 65_536, (block + 1) * 65_536))
    }
  }
  return (5 * text.length) / 1e3 / (performance.now() - began)
}

try {
  mkdirSync(paths.home, { recursive: true, mode: 0o700 })
  for (let number = 0; number < sessions; number++) writeSession(number)
  const text = sizeOf(".txt")
  // The screens process is there while a session is.
  execFileSync(hob, ["run", "--detach", "--name", "awake", "--", "cat"], { env, stdio: "ignore" })
  const queries: Record<string, readonly [hob: ReadonlyArray<string>, rg: ReadonlyArray<string>]> = {
    "a rare word": [["xylophone"], ["xylophone"]],
    "the same in any case": [
      ["-i", "XYLOPHONE"],
      ["-i", "XYLOPHONE"]
    ],
    "what is nowhere": [[NOWHERE], [NOWHERE]],
    "a part of many lines, first 1,000": [["failed1"], ["failed1"]],
    "the first 10,000 of them": [["failed1", "--limit", "10000"], ["failed1"]],
    "all of them": [["failed1", "--limit", "1000000000"], ["failed1"]]
  }
  console.log(
    `${(text / 1e6).toFixed(0)} MB in ${sessions} sessions; index ${((100 * sizeOf(".tri")) / text).toFixed(1)} % of it, made at ${indexing().toFixed(0)} MB/s; median of ${rounds} rounds (lowest to highest), Node ${process.version}`
  )
  for (const [name, [ours, theirs]] of Object.entries(queries)) {
    const pairs = Array.from({ length: rounds + 1 }, () => ({
      hob: millis(hob, "search", ...ours),
      rg: millis("rg", "-F", ...theirs, "-g", "*.txt", paths.sessions)
    })).slice(1)
    const took = pairs.map((pair) => pair.hob)
    console.log(
      `${name.padEnd(34)} hob ${median(took).toFixed(0)} ms   rg ${median(pairs.map(({ rg }) => rg)).toFixed(0)} ms   × rg ${spread(pairs.map((pair) => pair.hob / pair.rg))}`
    )
  }
} finally {
  spawnSync(hob, ["stop", "--all"], { env })
  rmSync(home, { recursive: true, force: true })
}
