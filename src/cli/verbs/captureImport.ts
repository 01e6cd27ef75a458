import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { basename, join, resolve } from "node:path"
import { open } from "../daemon.ts"
import { fromClaudeTranscript, fromCodexRollout, type Told } from "../capture/transcripts.ts"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { plural } from "../render/text.ts"
import { printError, printJson, printLine } from "../stdio.ts"

export interface CaptureImportOptions {
  /** None: all that the agents have written where they do. */
  readonly files: ReadonlyArray<string>
  readonly agent: "claude" | "codex" | null
  readonly json: boolean
}

type Agent = "claude" | "codex"

/** A larger one is no transcript that anybody has talked. */
const MOST_BYTES = 512 * 1024 * 1024

/** Where agents write them. */
const directoryOf = (agent: Agent, env: Context["env"]): string => {
  const home = env["HOME"] || homedir()
  return agent === "claude"
    ? join(env["CLAUDE_CONFIG_DIR"] || join(home, ".claude"), "projects")
    : join(env["CODEX_HOME"] || join(home, ".codex"), "sessions")
}

const transcriptsIn = (agent: Agent, env: Context["env"]): ReadonlyArray<string> => {
  const directory = directoryOf(agent, env)
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl") && (agent === "claude" || basename(name).startsWith("rollout-")))
    .toSorted()
    .map((name) => join(directory, name))
}

/** Whose it is, where nobody says: Codex names its files so. */
const guessed = (file: string): Agent => (basename(file).startsWith("rollout-") ? "codex" : "claude")

const read = (file: string, agent: Agent): ReadonlyArray<Told> => {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isFile() !== true) throw new Fault(ExitCode.usage, `${file} is no file.`)
  if (found.size > MOST_BYTES) throw new Fault(ExitCode.failure, `${file} is larger than 512 MiB.`)
  const lines = readFileSync(file, "utf8").split("\n")
  return agent === "claude" ? fromClaudeTranscript(lines) : fromCodexRollout(lines)
}

/** `hob capture import` */
export const captureImport = async (
  context: Context,
  { agent, files, json }: CaptureImportOptions
): Promise<number> => {
  const agents: ReadonlyArray<Agent> = agent === null ? ["claude", "codex"] : [agent]
  const all =
    files.length > 0
      ? files.map((file) => ({ file: resolve(file), agent: agent ?? guessed(file) }))
      : agents.flatMap((each) => transcriptsIn(each, context.env).map((file) => ({ file, agent: each })))
  const captures = new Set<string>()
  let entries = 0
  const client = await open(context)
  try {
    for (const { agent: whose, file } of all) {
      for (const { at, event, name } of read(file, whose)) {
        const id = createHash("sha256").update(`${whose} ${name}`).digest("hex").slice(0, 32)
        const params = { agent: whose, id, event, ...(at === undefined ? {} : { at }) }
        const told = (await client.call("capture.hook", params)) as {
          readonly capture: string | null
          readonly entries: number
        }
        if (told.capture !== null) captures.add(told.capture)
        entries += told.entries
      }
    }
  } finally {
    client.close()
  }
  if (json) printJson({ files: all.length, captures: [...captures], entries })
  else if (all.length === 0) printError("hob: No transcripts were found. Name files, or the agent.")
  else
    printLine(
      `${entries} ${entries === 1 ? "entry" : "entries"} of ${plural(captures.size, "capture")} from ${plural(all.length, "file")}; what was there already is there once.`
    )
  return ExitCode.ok
}
