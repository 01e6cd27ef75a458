/** What answers and rows of jobs mean for who called. Pure. */
import {
  UpstreamCallFailed,
  type UpstreamCallError,
  UpstreamJobAborted,
  UpstreamOutcomeUnknown
} from "../protocol/upstream.ts"
import type { RpcError } from "./envelope.ts"
import { readJob } from "./jobs.ts"
import { integerOf, objectMembers, textOf } from "./scan.ts"

/** Which call is spoken of. */
export interface Which {
  readonly upstream: string
  readonly method: string
}

export const failed = (which: Which, error: RpcError, job: number | null): UpstreamCallFailed =>
  new UpstreamCallFailed({ ...which, ...error, job })

export const unknown = (which: Which, job: number | null, reason: string): UpstreamOutcomeUnknown =>
  new UpstreamOutcomeUnknown({ ...which, job, reason })

const METHOD_ERROR = -32_001
const INVALID_PARAMS = -32_602

/** What a job that has ended came to, by its row of `core.get_jobs`. Undefined when the row tells of none that has. */
export const outcomeOfRow = (
  which: Which,
  row: string
): { readonly result: string } | { readonly error: UpstreamCallError } | undefined => {
  const job = readJob(row)
  const members = objectMembers(row)
  if (job === undefined || members === undefined) return undefined
  switch (job.progress.state) {
    case "SUCCESS":
      return { result: members.get("result") ?? "null" }
    case "ABORTED":
      return { error: new UpstreamJobAborted({ ...which, job: job.id }) }
    case "FAILED":
      return { error: failed(which, errorOfRow(members), job.id) }
    default:
      return undefined
  }
}

const errorOfRow = (members: ReadonlyMap<string, string>): RpcError => {
  const info = objectMembers(members.get("exc_info") ?? "null")
  const reason = textOf(members.get("error")) ?? "The job failed and did not say why."
  const type = textOf(info?.get("type")) ?? null
  const formatted = textOf(members.get("exception"))
  const trace =
    formatted === undefined
      ? null
      : JSON.stringify({ class: type, frames: [], formatted, repr: textOf(info?.get("repr")) ?? reason })
  const extra = info?.get("extra")
  return {
    code: type === "VALIDATION" ? INVALID_PARAMS : METHOD_ERROR,
    reason,
    errno: integerOf(info?.get("errno")) ?? null,
    errname: /^\[(E[A-Z0-9]+)\]/.exec(reason)?.[1] ?? null,
    trace,
    extra: extra === undefined || extra === "null" ? null : extra
  }
}
