import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { type Home, makeHome, until } from "../../support/home.ts"
import { bytesOf, Client } from "./client.ts"

export interface DialectHome extends Home {
  readonly client: Client
  /** A directory for sessions. */
  readonly project: string
  /** What the stand-in has printed of this kind, as the log of the session has it. */
  readonly printed: (log: string, kind: string) => ReadonlyArray<string>
  /** After a restart of the daemon. */
  readonly untilAnswered: () => Promise<void>
  readonly untilPrinted: (log: string, text: string) => Promise<void>
}

/** A home of its own whose `claude` is the stand-in, with the dialect enabled. */
export const makeDialectHome = async (extra: NodeJS.ProcessEnv = {}): Promise<DialectHome> => {
  const home = makeHome(extra)
  const root = home.env["HOME"]!
  const bin = join(root, "bin")
  const project = join(root, "project")
  mkdirSync(bin)
  mkdirSync(project)
  symlinkSync(join(import.meta.dirname, "standIn.mjs"), join(bin, "claude"))
  home.env["PATH"] = `${bin}:${home.env["PATH"]}`
  await home.ok(["dialect", "enable", "claude-sessions"])
  const printed = (log: string, kind: string) =>
    bytesOf(log, "output")
      .toString()
      .split("\r\n")
      // What is behind the last end of a line is still being printed.
      .slice(0, -1)
      .flatMap((line) => new RegExp(`^${kind} (.*)$`).exec(line)?.[1] ?? [])
  const client = new Client(root)
  const isAnswered = () =>
    client.ping().then(
      () => true,
      () => false
    )
  return {
    ...home,
    client,
    project,
    printed,
    untilAnswered: () => until("its clients are answered", isAnswered),
    untilPrinted: (log, text) => until(`${text} is printed`, () => bytesOf(log, "output").toString().includes(text))
  }
}
