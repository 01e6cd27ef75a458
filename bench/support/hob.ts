/** A hob of its own for a benchmark, with a photon `bench`: as it is built, in a temporary directory. */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Hob {
  readonly directory: string
  readonly pid: number
  /** The native socket, and that of the photon. */
  readonly native: string
  readonly photon: string
  readonly stop: () => void
}

/** Started; `config` is what its configuration says. `HOB_BENCH_NODE_OPTIONS` is for its processes alone: a profiler. */
export const startHob = (config: object = {}): Hob => {
  const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
  const home = join(directory, "h")
  const options = process.env["HOB_BENCH_NODE_OPTIONS"]
  const env = {
    ...process.env,
    HOME: directory,
    HOB_HOME: home,
    ...(options === undefined ? {} : { NODE_OPTIONS: options })
  }
  mkdirSync(home, { mode: 0o700 })
  writeFileSync(join(home, "config.json"), JSON.stringify(config), { mode: 0o600 })
  const hob = (...args: ReadonlyArray<string>): string =>
    execFileSync(join(import.meta.dirname, "../../bin/hob"), args, { env, encoding: "utf8" })
  hob("start")
  const { pid, socket } = JSON.parse(hob("status", "--json")) as { readonly pid: number; readonly socket: string }
  hob("dialect", "enable", "photon", "bench")
  return {
    directory,
    pid,
    native: socket,
    photon: join(directory, ".photon/daemons/bench.sock"),
    stop: () => {
      hob("stop", "--all")
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
