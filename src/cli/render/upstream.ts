import type { Upstream } from "../../protocol/upstream.ts"
import { age, columns, oneLine, plural } from "./text.ts"

const stateOf = ({ inFlight, jobs, state, waiting }: Upstream): string => {
  const work = [
    inFlight > 0 ? `${inFlight} out` : "",
    waiting > 0 ? `${waiting} waiting` : "",
    jobs > 0 ? plural(jobs, "job") : ""
  ]
  const said = work.filter((part) => part !== "").join(", ")
  return said === "" ? state : `${state} (${said})`
}

/** The table of `hob upstream ls`. */
export const upstreamTable = (upstreams: ReadonlyArray<Upstream>, now: number): string =>
  columns([
    ["NAME", "STATE", "SINCE", "USER", "CREDENTIAL", "URI"],
    ...upstreams.map((upstream) => [
      upstream.name,
      stateOf(upstream),
      age(upstream.since, now),
      oneLine(upstream.user ?? "-"),
      upstream.credential ?? "-",
      oneLine(upstream.uri)
    ])
  ])

/** One upstream, a line for each thing to know. */
export const upstreamText = (upstream: Upstream, now: number): string => {
  const { concurrency, connections, credential, declaredBy, insecure, lifetimeMillis, logins, reason, user } = upstream
  const rows = [
    ["name", upstream.name],
    ["uri", oneLine(upstream.uri)],
    ["state", `${stateOf(upstream)}, for ${age(upstream.since, now)}`],
    ...(reason === null ? [] : [["reason", oneLine(reason)]]),
    ...(upstream.nextAttemptAt === null ? [] : [["next attempt", upstream.nextAttemptAt]]),
    ["user", oneLine(user ?? "-")],
    ["credential", credential ?? "-"],
    ...(insecure ? [["insecure", "any certificate is taken"]] : []),
    ...(upstream.caFile === null ? [] : [["certificates", upstream.caFile]]),
    ["calls at once", String(concurrency)],
    ["lifetime", lifetimeMillis === 0 ? "for ever" : `${lifetimeMillis / 1000}s unused`],
    ["connections", `${connections}, ${plural(logins, "login")}`],
    ["declared by", declaredBy],
    ...upstream.subscriptions.map(({ collection, listeners }) => [
      "listens to",
      `${oneLine(collection)} (${listeners})`
    ])
  ]
  return columns(rows)
}
