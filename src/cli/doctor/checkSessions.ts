import { plural } from "../render/text.ts"
import { type Finding, ok, remove, sh, warning } from "./finding.ts"
import type { SessionFact, Snapshot } from "./snapshot.ts"

/** The directories of sessions: what can't be read of them, and what a crash has left in them. */
export const checkSessions = ({ daemon, sessions }: Snapshot): ReadonlyArray<Finding> => {
  const findings = sessions.flatMap((session) => checkSession(session, daemon.hostLocked))
  const rest = sessions.filter(({ exit, known }) => known && exit !== "damaged").length
  return findings.length > 0
    ? findings
    : [ok("sessions.directories", `${plural(rest, "session")} on disk, all readable.`)]
}

const checkSession = (session: SessionFact, hostRuns: boolean): ReadonlyArray<Finding> => {
  const { directory, exit, id, known, temporary, torn } = session
  if (!known) {
    return [
      warning(
        "sessions.damaged",
        `${directory}: session.json is missing or damaged, so hob does not list it. Its output can still be read: cat *.out.`,
        {
          mend: sh("rm", "-r", directory)
        }
      )
    ]
  }
  // A session that has not ended keeps room for its end under such a name; while its host runs that is right.
  const left = exit === "none" && hostRuns ? [] : temporary
  return [
    ...(exit === "damaged"
      ? [
          warning(
            "sessions.damaged",
            `${id}: exit.json is damaged; how it ended is not known, and it is listed as lost.`,
            { mend: sh("hob", "rm", id) }
          )
        ]
      : []),
    ...(torn.length === 0
      ? []
      : [
          warning(
            "sessions.torn",
            `${id}: its log lacks a half of ${torn.join(", ")}; the times of that part are not known, its bytes are.`
          )
        ]),
    ...(left.length === 0
      ? []
      : [
          warning(
            "sessions.leftover",
            `${id}: ${left.join(", ")} ${left.length === 1 ? "was" : "were"} left by a session-host that died; nothing reads ${left.length === 1 ? "it" : "them"}.`,
            remove(...left.map((name) => `${directory}/${name}`))
          )
        ])
  ]
}
