import { Result } from "effect"
import { machineZone, type Zone, zoneOf } from "../../cron/zone.ts"
import type { Job, JobRun } from "../../protocol/schedule.ts"
import { age, columns, commandLine, cut, oneLine, plural } from "./text.ts"

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

/** An instant as the clocks of a zone show it: `Sun 2026-03-29 03:00:00 +02:00`. */
export const instantIn = (zone: Zone, instant: number): string => {
  const offset = zone.offsetAt(instant)
  const local = new Date(instant + offset)
  const minutes = Math.abs(Math.round(offset / 60_000))
  const two = (value: number) => String(value).padStart(2, "0")
  const text = local.toISOString().slice(0, 19).replace("T", " ")
  return `${WEEKDAYS[local.getUTCDay()]} ${text} ${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** That of a job, or the machine's, where this command knows the job's not. */
export const zoneOfJob = ({ timeZone }: Pick<Job, "timeZone">): Zone =>
  timeZone === null ? machineZone() : Result.getOrElse(zoneOf(timeZone), machineZone)

/** What a job does, as it was asked for. */
const workText = ({ command, method, params }: Job): string =>
  command === undefined
    ? `${method ?? "?"}${params === undefined ? "" : ` ${JSON.stringify(params)}`}`
    : commandLine(command)

/** When it runs next, as a person says it. */
export const nextText = (job: Job): string =>
  job.paused
    ? "paused"
    : job.nextAt === null
      ? `never${job.problem === undefined ? "" : ` (${oneLine(job.problem)})`}`
      : instantIn(zoneOfJob(job), Date.parse(job.nextAt))

const lastText = ({ lastRun, queued, running }: Job, now: number): string => {
  if (running > 0) return queued > 0 ? `running, ${queued} wait` : "running"
  return lastRun === null ? "-" : `${lastRun.state} ${age(lastRun.endedAt, now)} ago`
}

/** What `hob cron ls` prints: one line each, with their namespaces where there are several. */
export const jobTable = (jobs: ReadonlyArray<Job>, now: number, namespaces: boolean): string =>
  columns([
    [...(namespaces ? ["NAMESPACE"] : []), "JOB", "CRON", "NEXT", "LAST", "COUNT", "DOES"],
    ...jobs.map((job) => [
      ...(namespaces ? [oneLine(job.namespace)] : []),
      oneLine(job.id),
      oneLine(job.cron),
      nextText(job),
      lastText(job, now),
      String(job.runCount),
      cut(oneLine(workText(job)), 200)
    ])
  ])

/** `12 ms`, `3.4 s`, `2m 5s`. */
export const tookText = (millis: number): string => {
  if (millis < 1000) return `${millis} ms`
  if (millis < 60_000) return `${(millis / 1000).toFixed(1)} s`
  const minutes = Math.floor(millis / 60_000)
  const seconds = Math.floor(millis / 1000) % 60
  return minutes < 60 ? `${minutes}m ${seconds}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}

/** What there is to say of how it went. */
const remark = ({ attempts, cause, error, exitCode, slots }: JobRun): string =>
  [
    ...(slots > 1 ? [plural(slots, "slot")] : []),
    ...(cause === "slot" ? [] : [cause]),
    ...(attempts > 1 ? [plural(attempts, "attempt")] : []),
    ...(error === null ? (exitCode === null || exitCode === 0 ? [] : [`exit ${exitCode}`]) : [cut(oneLine(error), 200)])
  ].join("; ") || "-"

/** What `hob cron history` prints: one line each, with the names of their jobs where they are of several. */
export const runTable = (
  runs: ReadonlyArray<JobRun>,
  names: { readonly jobs: boolean; readonly namespaces: boolean }
): string => {
  const zone = machineZone()
  return columns([
    [
      ...(names.namespaces ? ["NAMESPACE"] : []),
      ...(names.jobs ? ["JOB"] : []),
      "RUN",
      "SLOT",
      "STATE",
      "TOOK",
      "REMARK"
    ],
    ...runs.map((run) => [
      ...(names.namespaces ? [oneLine(run.namespace)] : []),
      ...(names.jobs ? [oneLine(run.id)] : []),
      String(run.run),
      instantIn(zone, Date.parse(run.slot ?? run.decidedAt)),
      run.state,
      run.durationMillis === null ? "-" : tookText(run.durationMillis),
      remark(run)
    ])
  ])
}
