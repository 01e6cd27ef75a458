import { resolve } from "node:path"
import type { DaemonFeature } from "../../protocol/daemon.ts"
import type { SessionLimits } from "../../protocol/limits.ts"
import type { RestartPolicy } from "../../protocol/restart.ts"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { requireFeatures } from "../features.ts"
import { enclosing, refuseNesting } from "../inside.ts"
import { exitCodeOf } from "../outcome.ts"
import { exitText, label } from "../render/session.ts"
import { printError, printJson, printLine, writeAll } from "../stdio.ts"
import { attach, hasTerminal } from "./attach.ts"
import { feed } from "./feed.ts"
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
  /** Shown also in the terminal of another session. */
  readonly nest: boolean
  readonly limits: SessionLimits
  readonly restart: RestartPolicy | null
  readonly restartMax: number | null
  /** Of the configuration; the command is added to its own. */
  readonly template: string | null
  /** Empty: the user's shell. */
  readonly command: ReadonlyArray<string>
}

/** `hob run`: attaches; without a terminal it follows the output; with `--detach` it prints the id. */
export const run = async (context: Context, options: RunOptions): Promise<number> => {
  if (options.json && !options.detach) {
    throw new Fault(ExitCode.usage, "--json goes with --detach: in the foreground the session's own output is printed.")
  }
  const terminal = hasTerminal()
  const shown = terminal && !options.detach
  const outer = shown && !options.nest ? await enclosing(context) : null
  if (outer !== null) refuseNesting(outer, "`hob run --detach` starts it in the background.")
  await requireFeatures(context, needed(options))
  const session = await call<Session>(context, "sessions.run", {
    ...request(context, options),
    ...(terminal ? size() : {})
  })
  if (options.detach) {
    if (options.json) printJson(session)
    else printLine(session.id)
    return ExitCode.ok
  }
  // Whether it may be shown here is decided.
  if (terminal) return attach(context, { session: session.id, readOnly: false, take: false, nest: true })
  return follow(context, session)
}

const needed = ({ limits, restart, template }: RunOptions) => {
  const all: Array<[DaemonFeature, string]> = []
  if (Object.keys(limits).length > 0) all.push(["limits", "limits of a session"])
  if (restart !== null && restart !== "no") all.push(["restart", "--restart"])
  if (template !== null) all.push(["templates", "--template"])
  return all
}

const request = (context: Context, options: RunOptions): Readonly<Record<string, unknown>> => {
  const own = variables(options.env)
  const inherited = Object.fromEntries(Object.entries(context.env).filter(([, value]) => value !== undefined))
  return {
    ...(options.name === null ? {} : { name: options.name }),
    ...(options.tags.length === 0 ? {} : { tags: options.tags }),
    ...(options.command.length === 0 ? {} : { command: options.command }),
    ...(options.pipe ? { kind: "pipe" } : {}),
    ...(Object.keys(options.limits).length === 0 ? {} : { limits: options.limits }),
    ...(options.restart === null ? {} : { restart: options.restart }),
    ...(options.restartMax === null ? {} : { restartMax: options.restartMax }),
    ...(options.template === null
      ? { cwd: resolve(options.cwd ?? process.cwd()), env: { ...inherited, ...own }, overrideEnv: own }
      : {
          template: options.template,
          ...(options.cwd === null ? {} : { cwd: resolve(options.cwd) }),
          callerCwd: process.cwd(),
          env: inherited,
          overrideEnv: own
        })
  }
}

const size = (): { cols: number; rows: number } => {
  const { columns = 80, rows = 24 } = process.stdout
  return { cols: Math.min(Math.max(columns, 1), 4096), rows: Math.min(Math.max(rows, 1), 4096) }
}

const variables = (entries: ReadonlyArray<string>): Readonly<Record<string, string>> => {
  const env: Record<string, string> = {}
  for (const entry of entries) {
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
  const stopFeeding = feed(context, session)
  await pour(context, session.id, { mode: "follow", since: 0 }, (data) => writeAll(1, data)).finally(stopFeeding)
  const ended = await call<Session>(context, "sessions.show", { session: session.id })
  const code = exitCodeOf(ended)
  if (code === null) {
    throw new Fault(ExitCode.lost, `Session ${name} was lost: the session-host went away.`)
  }
  if (ended.exit !== null && code !== 0) printError(`[session ${name} ended: ${exitText(ended.exit)}]`)
  return code
}
