import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { open } from "../daemon.ts"
import { type AgentName, transcriptDirectory } from "../../config/agentPaths.ts"
import { projectOf } from "../capture/geminiTurn.ts"
import { fromClaudeTranscript, fromCodexRollout, fromGeminiChat, type Told } from "../capture/transcripts.ts"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { plural } from "../render/text.ts"
import { printError, printJson, printLine } from "../stdio.ts"

/** Those that write down what is said. */
type Agent = Exclude<AgentName, "cursor">

const all: ReadonlyArray<Agent> = ["claude", "codex", "gemini"]

export interface CaptureImportOptions {
  /** None: all that the agents have written where they do. */
  readonly files: ReadonlyArray<string>
  readonly agent: Agent | null
  readonly json: boolean
}

/** A larger one is no transcript that anybody has talked. */
const MOST_BYTES = 512 * 1024 * 1024

const isTranscript: Readonly<Record<Agent, (name: string) => boolean>> = {
  claude: (name) => name.endsWith(".jsonl"),
  codex: (name) => /(?:^|\/)rollout-[^/]*\.jsonl$/.test(name),
  gemini: (name) => /(?:^|\/)chats\/session-[^/]*\.jsonl?$/.test(name)
}

const transcriptsIn = (agent: Agent, env: Context["env"]): ReadonlyArray<string> => {
  const directory = transcriptDirectory(agent, env)
  if (directory === null || !existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter(isTranscript[agent])
    .toSorted()
    .map((name) => join(directory, name))
}

/** Whose it is, where nobody says: by what Codex and Gemini CLI call their files. */
const guessed = (file: string): Agent =>
  isTranscript.codex(file) ? "codex" : /^session-.*\.jsonl?$/.test(basename(file)) ? "gemini" : "claude"

const read = (file: string, agent: Agent): ReadonlyArray<Told> => {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isFile() !== true) throw new Fault(ExitCode.usage, `${file} is no file.`)
  if (found.size > MOST_BYTES) throw new Fault(ExitCode.failure, `${file} is larger than 512 MiB.`)
  const source = readFileSync(file, "utf8")
  if (agent === "gemini") return fromGeminiChat(source, projectOf(file))
  return agent === "claude" ? fromClaudeTranscript(source.split("\n")) : fromCodexRollout(source.split("\n"))
}

/** `hob capture import` */
export const captureImport = async (
  context: Context,
  { agent, files, json }: CaptureImportOptions
): Promise<number> => {
  const agents: ReadonlyArray<Agent> = agent === null ? all : [agent]
  const found =
    files.length > 0
      ? files.map((file) => ({ file: resolve(file), agent: agent ?? guessed(file) }))
      : agents.flatMap((each) => transcriptsIn(each, context.env).map((file) => ({ file, agent: each })))
  const captures = new Set<string>()
  let entries = 0
  const client = await open(context)
  try {
    for (const { agent: whose, file } of found) {
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
  if (json) printJson({ files: found.length, captures: [...captures], entries })
  else if (found.length === 0) printError("hob: No transcripts were found. Name files, or the agent.")
  else
    printLine(
      `${entries} ${entries === 1 ? "entry" : "entries"} of ${plural(captures.size, "capture")} from ${plural(found.length, "file")}; what was there already is there once.`
    )
  return ExitCode.ok
}
