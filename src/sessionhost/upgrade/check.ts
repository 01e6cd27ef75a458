import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { Exit, Schema } from "effect"
import { VERSION } from "../../config/version.ts"
import type { UpgradeFailure } from "../../protocol/sessionHost.ts"
import { childDescriptors } from "../ChildDescriptors.ts"
import { HostFailure } from "../HostFailure.ts"
import { libc } from "../libc.ts"
import { ptyUnavailable } from "../pty.ts"
import type { HostBuild } from "./state.ts"
import { parseState } from "./stateFile.ts"

/** The argument that makes a host say whether it could take over: the state comes on standard input. */
export const CHECK_ARGUMENT = "--check-takeover"
/** The argument before the file with the state of a host whose process this one is. */
export const TAKE_OVER_ARGUMENT = "--take-over"

/** Everything goes on meanwhile; on a machine that is busy Node alone takes many seconds to start. */
const CHECK_MILLIS = 60_000
const MAX_ANSWER_BYTES = 64 * 1024

/** What a host says of itself when it is asked whether it could take over; one line of JSON. */
const Answer = Schema.Struct({
  version: Schema.String,
  /** Why it can't; null when it can. */
  problem: Schema.NullOr(Schema.String)
})
const decodeAnswer = Schema.decodeUnknownExit(Schema.fromJsonString(Answer))

export const upgradeFailed = (upgrade: UpgradeFailure, message: string) =>
  new HostFailure({ code: "upgrade-failed", message, upgrade })

/** Why this process can't be replaced in place, or take over from one that was; null when it can. */
export const inPlaceUnavailable = (): string | null => {
  if (process.platform !== "linux") return `it can't be done on ${process.platform}`
  if (libc() === null)
    return `Node ${process.version} has no node:ffi here; Node 26 on x64 or arm64 has it, unless it was switched off`
  if (process.execve === undefined) return `Node ${process.version} has no process.execve`
  return null
}

/** Asks the successor, as a process of its own, whether it understands `state` and could take over. Rejects with `HostFailure`. */
export const checkSuccessor = async (to: HostBuild, state: string, millis = CHECK_MILLIS): Promise<void> => {
  if (!existsSync(to.entry)) throw upgradeFailed("missing", `There is no ${to.entry}.`)
  const { ended, said, wrong } = await ask(to, state, millis)
  if (ended === "late")
    throw upgradeFailed("check-timeout", `${to.entry} did not say within ${millis} ms that it can take over.`)
  const answer = decodeAnswer(said)
  if (Exit.isFailure(answer)) {
    const why = wrong === "" ? "It is damaged, or too old for that." : `It said: ${wrong}`
    throw upgradeFailed("check-failed", `${to.entry} did not say that it can take over (${ended}). ${why}`)
  }
  const { problem, version } = answer.value
  if (version !== to.version) {
    throw upgradeFailed("wrong-version", `${to.entry} is hob ${version}, and hob ${to.version} was asked for.`)
  }
  if (problem !== null) throw upgradeFailed("refused", `hob ${version} can't take over: ${problem}.`)
}

const ask = (to: HostBuild, state: string, millis: number) =>
  new Promise<{ readonly ended: string; readonly said: string; readonly wrong: string }>((resolve) => {
    let said = ""
    let wrong = ""
    childDescriptors.keep()
    const child = spawn(to.node, [to.entry, CHECK_ARGUMENT], { cwd: "/", stdio: ["pipe", "pipe", "pipe"] })
    const end = (ended: string) => {
      clearTimeout(timer)
      child.kill("SIGKILL")
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
      resolve({ ended, said: said.trim(), wrong: gist(wrong) })
    }
    const timer = setTimeout(() => end("late"), millis)
    const take = (text: string, more: string) => (text + more).slice(-MAX_ANSWER_BYTES)
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said = take(said, text)))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (wrong = take(wrong, text)))
    child.on("error", (error) => end(error.message))
    // A child of its own may have its outputs; what it had to say it has said. It may have said that while we were busy
    // with the end of another program, and be told of as ended with that one: then it is read in the turn after this.
    child.on("exit", (code, signal) => setImmediate(setImmediate, () => end(signal ?? `exit ${code}`)))
    child.stdin.on("error", () => {})
    child.stdin.end(state)
  })

/** The line that says what went wrong, of all that was said: Node prints more than that. */
const gist = (text: string): string => {
  const lines = text.split("\n").filter((line) => line.trim() !== "")
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? "").slice(0, 500)
}

/** The other side: whether this build could take over from a host in the state on standard input. Prints the answer. */
export const answerCheck = async (): Promise<void> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  const answer: typeof Answer.Type = { version: VERSION, problem: problemOf(Buffer.concat(chunks).toString("utf8")) }
  await new Promise<void>((resolve) => process.stdout.write(`${JSON.stringify(answer)}\n`, () => resolve()))
}

const problemOf = (text: string): string | null => {
  const unavailable = inPlaceUnavailable()
  if (unavailable !== null) return unavailable
  try {
    const { handover, problems } = parseState(text)
    if (problems.length > 0) return problems[0]!
    const terminals = handover.sessions.some(({ file }) => file.kind === "pty")
    return terminals ? ptyUnavailable() : null
  } catch (error) {
    return (error as Error).message
  }
}
