import { resolve } from "node:path"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { exitCodeOf } from "../outcome.ts"
import { exitText, label } from "../render/session.ts"
import { printError, printJson, printLine, writeAll } from "../stdio.ts"
import { attach, hasTerminal } from "./attach.ts"
import { pour } from "./output.ts"

export interface RunOptions {
  readonly name: string | null
  readonly cwd: string | null
  /** `KEY=VALUE` each. */
  readonly env: ReadonlyArray<string>
  readonly tags: ReadonlyArray<string>
  readonly pipe: boolean
  readonly detach: boolean
  readonly json: boolean
  /** Empty: the user's shell. */
  readonly command: ReadonlyArray<string>
}

/** `hob run`: attaches; without a terminal it follows the output; with `--detach` it prints the id. */
export const run = async (context: Context, options: RunOptions): Promise<number> => {
  if (options.json && !options.detach) {
    throw new Fault(ExitCode.usage, "--json goes with --detach: in the foreground the session's own output is printed.")
  }
  const terminal = hasTerminal()
  const session = await call<Session>(context, "sessions.run", {
    ...(options.name === null ? {} : { name: options.name }),
    ...(options.tags.length === 0 ? {} : { tags: options.tags }),
    ...(options.command.length === 0 ? {} : { command: options.command }),
    ...(options.pipe ? { kind: "pipe" } : {}),
    ...(terminal ? size() : {}),
    cwd: resolve(options.cwd ?? process.cwd()),
    env: environment(context, options.env)
  })
  if (options.detach) {
    if (options.json) printJson(session)
    else printLine(session.id)
    return ExitCode.ok
  }
  return terminal ? attach(context, { session: session.id, readOnly: false, take: false }) : follow(context, session)
}

const size = (): { cols: number; rows: number } => {
  const { columns = 80, rows = 24 } = process.stdout
  return { cols: Math.min(Math.max(columns, 1), 4096), rows: Math.min(Math.max(rows, 1), 4096) }
}

const environment = (context: Context, extra: ReadonlyArray<string>): Record<string, string> => {
  const env: Record<string, string> = {}
  for (const [key, value] of Object.entries(context.env)) if (value !== undefined) env[key] = value
  for (const entry of extra) {
    const equals = entry.indexOf("=")
    if (equals < 1) throw new Fault(ExitCode.usage, `--env ${entry}: write it as KEY=VALUE.`)
    env[entry.slice(0, equals)] = entry.slice(equals + 1)
  }
  return env
}

/** Shows what the session prints until it ends. Interrupted, we go; the session stays. */
const follow = async (context: Context, session: Session): Promise<number> => {
  const name = label(session)
  const leave = (exitCode: number) => () => {
    printError(`[session ${name} runs on. \`hob output -f ${name}\` follows it, \`hob kill ${name}\` ends it]`)
    process.exit(exitCode)
  }
  process.once("SIGINT", leave(ExitCode.interrupted))
  process.once("SIGTERM", leave(143))
  printError(`[session ${name}]`)
  await pour(context, session.id, { mode: "follow", since: 0 }, (data) => writeAll(1, data))
  const ended = await call<Session>(context, "sessions.show", { session: session.id })
  const code = exitCodeOf(ended)
  if (code === null) {
    throw new Fault(ExitCode.lost, `Session ${name} was lost: the session-host went away.`)
  }
  if (ended.exit !== null && code !== 0) printError(`[session ${name} ended: ${exitText(ended.exit)}]`)
  return code
}
