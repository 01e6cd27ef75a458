import { isAbsolute, resolve } from "node:path"
import type { Job, JobRun } from "../../protocol/schedule.ts"
import type { Context } from "../context.ts"
import { call, callAgain } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { jobTable, nextText, runTable } from "../render/cron.ts"
import { oneLine } from "../render/text.ts"
import { print, printError, printJson, printLine } from "../stdio.ts"

interface Shared {
  readonly namespace: string | null
  readonly json: boolean
}

export interface CronJobOptions extends Shared {
  readonly job: string
}

export interface CronAddOptions extends CronJobOptions {
  readonly expression: string
  /** A method alone, or a command and its arguments. */
  readonly work: ReadonlyArray<string>
  readonly command: boolean
  readonly args: string | null
  readonly tz: string | null
  readonly missed: string | null
  readonly overlap: string | null
  readonly guarantee: string | null
  readonly timeout: number | null
  readonly retry: number | null
  readonly jitter: number | null
  readonly cwd: string | null
  readonly env: ReadonlyArray<string>
}

/** What was not said is not sent. */
const said = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))

const which = ({ job, namespace }: CronJobOptions) => said({ id: job, namespace })

const workOf = ({ command, cwd, env, expression, job, work }: CronAddOptions): Record<string, unknown> => {
  const [first, ...rest] = work
  if (first === undefined) {
    throw new Fault(
      ExitCode.usage,
      "What is the job to do? Name a method, or put a command behind `--`.",
      `\`hob cron add ${job} '${expression}' -- COMMAND\``
    )
  }
  if (command) {
    const variables = Object.fromEntries(env.map(variableOf))
    return {
      command: work,
      cwd: cwd === null ? process.cwd() : isAbsolute(cwd) ? cwd : resolve(cwd),
      ...(env.length === 0 ? {} : { env: variables })
    }
  }
  if (rest.length > 0) {
    const line = work.map(oneLine).join(" ")
    throw new Fault(
      ExitCode.usage,
      `A method is one word, and ${work.length} were given. What a method gets is said with --args.`,
      `If that is a command: \`hob cron add ${job} '${expression}' -- ${line}\`. Quote the expression, or the shell takes it apart.`
    )
  }
  if (cwd !== null || env.length > 0) {
    throw new Fault(ExitCode.usage, "--cwd and --env are of commands: a method runs where its module does.")
  }
  return { method: first }
}

const variableOf = (entry: string): readonly [string, string] => {
  const equals = entry.indexOf("=")
  if (equals < 1) throw new Fault(ExitCode.usage, `--env ${entry}: write it as KEY=VALUE.`)
  return [entry.slice(0, equals), entry.slice(equals + 1)]
}

const paramsOf = (args: string | null): object | null => {
  if (args === null) return null
  let params: unknown
  try {
    params = JSON.parse(args)
  } catch (error) {
    throw new Fault(ExitCode.usage, `--args is no JSON: ${(error as Error).message}.`)
  }
  if (typeof params === "object" && params !== null && !Array.isArray(params)) return params
  throw new Fault(ExitCode.usage, `--args must be an object, such as '{"maxAge": 7}'.`)
}

/** `hob cron add` */
export const cronAdd = async (context: Context, options: CronAddOptions): Promise<number> => {
  const { args, expression, guarantee, jitter, json, missed, overlap, retry, timeout, tz } = options
  const request = {
    ...which(options),
    ...workOf(options),
    ...said({
      cron: expression,
      params: paramsOf(args),
      timeZone: tz,
      missed,
      overlap,
      guarantee,
      timeoutMillis: timeout,
      retries: retry,
      jitterMillis: jitter
    })
  }
  const added = await call<{ readonly job: Job; readonly replaced: boolean }>(context, "schedule.add", request)
  if (json) printJson(added)
  else
    printLine(
      `${oneLine(added.job.id)} ${added.replaced ? "is replaced, and " : ""}runs next at ${nextText(added.job)}.`
    )
  return ExitCode.ok
}

interface Page {
  readonly jobs: ReadonlyArray<Job>
  readonly truncated?: boolean
}

/** `hob cron ls` */
export const cronList = async (
  context: Context,
  { all, json, namespace }: Shared & { readonly all: boolean }
): Promise<number> => {
  const jobs: Array<Job> = []
  for (let isMore = true; isMore;) {
    const params = { ...said({ namespace, after: jobs.at(-1)?.number }), ...(all ? { all } : {}) }
    const page = await callAgain<Page>(context, "schedule.list", () => params)
    jobs.push(...page.jobs)
    isMore = page.truncated === true
  }
  if (json) printJson({ jobs })
  else if (jobs.length > 0) printLine(jobTable(jobs, Date.now(), all))
  else printLine("No jobs. `hob cron add JOB '30 2 * * *' -- COMMAND` schedules one.")
  return ExitCode.ok
}

/** `hob cron rm` */
export const cronRemove = async (context: Context, options: CronJobOptions): Promise<number> => {
  const removed = await call<object>(context, "schedule.remove", which(options))
  if (options.json) printJson(removed)
  return ExitCode.ok
}

/** `hob cron run` */
export const cronRun = async (
  context: Context,
  options: CronJobOptions & { readonly wait: boolean }
): Promise<number> => {
  const run = await call<JobRun>(context, "schedule.run", {
    ...which(options),
    ...(options.wait ? { wait: true } : {})
  })
  if (options.json) printJson(run)
  else if (!options.wait) printLine(String(run.run))
  else {
    if (run.output !== null) print(run.output.endsWith("\n") ? run.output : `${run.output}\n`)
    if (run.error !== null) printError(`hob: ${run.error}`)
  }
  if (!options.wait || run.state === "succeeded") return ExitCode.ok
  return run.state === "timed-out" ? ExitCode.timedOut : ExitCode.failure
}

const change =
  (method: "schedule.pause" | "schedule.resume") =>
  async (context: Context, options: CronJobOptions): Promise<number> => {
    const job = await callAgain<Job>(context, method, () => which(options))
    if (options.json) printJson(job)
    else if (!job.paused) printLine(`${oneLine(job.id)} runs next at ${nextText(job)}.`)
    return ExitCode.ok
  }

/** `hob cron pause` */
export const cronPause = change("schedule.pause")
/** `hob cron resume` */
export const cronResume = change("schedule.resume")

export interface CronHistoryOptions extends Shared {
  /** Null: of all. */
  readonly job: string | null
  readonly limit: number
  readonly output: boolean
  readonly all: boolean
}

/** `hob cron history` */
export const cronHistory = async (context: Context, options: CronHistoryOptions): Promise<number> => {
  const { all, job, json, limit, namespace, output } = options
  const params = { ...said({ id: job, namespace }), limit, ...(all ? { all } : {}) }
  const { runs } = await callAgain<{ readonly runs: ReadonlyArray<JobRun> }>(context, "schedule.history", () => params)
  if (json) printJson({ runs })
  else if (runs.length === 0) printLine(job === null ? "No job has run." : `${oneLine(job)} has not run.`)
  else if (output) printLine(runs.map((run) => withOutput(run, job === null, all)).join("\n"))
  else printLine(runTable(runs, { jobs: job === null, namespaces: all }))
  return ExitCode.ok
}

const withOutput = (run: JobRun, jobs: boolean, namespaces: boolean): string => {
  const [, line = ""] = runTable([run], { jobs, namespaces }).split("\n")
  return run.output === null ? line : `${line}\n${run.output.replace(/\n$/, "")}`
}
