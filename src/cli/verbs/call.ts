import { readFileSync } from "node:fs"
import { isatty } from "node:tty"
import type { UpstreamCallItem, UpstreamEventItem } from "../../protocol/upstream.ts"
import { type BareClient, ConnectionLost } from "../../client/wire/bare.ts"
import type { Context } from "../context.ts"
import { open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { jobReport, type JobPrint } from "../render/jobReport.ts"
import { isTagged } from "../report.ts"
import { printError, printLine } from "../stdio.ts"
import { failureDetails, paramsOf, shownResult } from "./callArguments.ts"

export interface CallOptions {
  readonly method: string
  /** JSON where they are JSON, else strings; `-` stands for standard input. */
  readonly args: ReadonlyArray<string>
  readonly upstream: string | null
  readonly timeout: number | null
  readonly job: boolean
  readonly jobPrint: JobPrint | null
  readonly json: boolean
  readonly quiet: boolean
}

/** `hob call`: the result on standard output, progress and what failed on standard error. */
export const call = async (context: Context, options: CallOptions): Promise<number> => {
  const { json, quiet, timeout, upstream } = options
  const args = options.args.map((arg) => (arg === "-" ? readFileSync(0, "utf8").trimEnd() : arg))
  const isWaitedFor = options.job || options.jobPrint !== null
  const client = await open(context)
  let job: number | null = null
  const report = jobReport(options.jobPrint ?? "progressbar", json)
  try {
    const items = client.subscribe("upstream.call", {
      method: options.method,
      params: paramsOf(args),
      ...(upstream === null ? {} : { name: upstream }),
      ...(timeout === null ? {} : { timeoutMillis: timeout }),
      ...(isWaitedFor ? { job: true } : {})
    }) as AsyncGenerator<UpstreamCallItem>
    for await (const item of items) {
      if (item.type === "result") {
        report.end()
        printLine(json ? item.result : shownResult(item.result))
      } else if (item.type === "job") job = item.job
      else if (item.type === "progress" && !quiet) report.progress(item)
      else if (item.type === "prompt") await answer(client, item, !options.args.includes("-"))
    }
    return ExitCode.ok
  } catch (error) {
    report.end()
    if (error instanceof ConnectionLost) throw lostOf(options.method, job)
    if (!isTagged(error, "UpstreamCallFailed")) throw error
    if (quiet) return ExitCode.failure
    const { data } = error
    if (json) printError(JSON.stringify(data))
    else {
      const [trace, extra] = [data["trace"], data["extra"]] as ReadonlyArray<string | null>
      printError(
        [`hob: ${error.message}`, ...failureDetails({ trace: trace ?? null, extra: extra ?? null })].join("\n")
      )
    }
    return ExitCode.failure
  } finally {
    report.end()
    client.close()
  }
}

/** The daemon may have sent it, or not. */
const lostOf = (method: string, job: number | null): Fault =>
  new Fault(
    ExitCode.failure,
    `"${method}": the daemon went away while the call was in its hands, outcome unknown.`,
    job === null
      ? "See for yourself before you call it again; `hob logs` may tell why the daemon went away."
      : `It is the job ${job}, which goes on: \`hob call core.get_jobs '[["id", "=", ${job}]]'\` tells how it is.`
  )

/** Asks the person at the terminal what a login wants to know. */
export const answer = async (
  client: BareClient,
  { prompt, question }: Extract<UpstreamCallItem, { type: "prompt" }>,
  mayAsk = true
): Promise<void> => {
  const { ask } = await import("../../client/askPerson.ts")
  const answered = mayAsk && isatty(0) ? await ask(question) : { reason: "There is no terminal to ask on." }
  await client.call("upstream.answer", { prompt, ...answered })
}

/** `hob call --subscribe`: a line for each event, as the upstream wrote it. */
export const subscribe = async (
  context: Context,
  options: { readonly collection: string; readonly upstream: string | null; readonly channel: boolean }
): Promise<number> => {
  const client = await open(context)
  try {
    const items = client.subscribe("upstream.subscribe", {
      collection: options.collection,
      ...(options.upstream === null ? {} : { name: options.upstream }),
      ...(options.channel ? { channel: true } : {})
    }) as AsyncGenerator<UpstreamEventItem>
    for await (const item of items) {
      if (item.type === "event") printLine(item.event.replace(/[\r\n]+/g, " "))
      else if (item.type === "subscribed" && item.again)
        printError("hob: The connection was lost for a while: what happened meanwhile is not here.")
    }
    return ExitCode.ok
  } finally {
    client.close()
  }
}
