import { bytes, plural } from "../render/text.ts"
import { type Finding, ok, problem, sh, warning } from "./finding.ts"
import type { Snapshot } from "./snapshot.ts"

const MiB = 1024 * 1024
/** What a session takes: its terminal's two ends, two files of its log, and a client. */
const FILES_OF_A_SESSION = 6
const FILES_OF_HOB = 100
const ALMOST = 0.9

/** What the system allows, beside what hob may come to need. */
export const checkLimits = (snapshot: Snapshot): ReadonlyArray<Finding> => {
  const findings = [
    ...checkOpenFiles(snapshot),
    ...checkProcesses(snapshot),
    ...checkTerminals(snapshot),
    ...checkDisk(snapshot)
  ]
  return findings.length > 0 ? findings : [ok("limits.all", allowed(snapshot))]
}

const allowed = ({ system }: Snapshot): string => {
  const { disk, openFiles, terminals } = system
  return [
    openFiles === null ? null : `${openFiles.limit ?? "any number of"} open files`,
    terminals === null ? null : `${terminals.limit - terminals.used} more terminals`,
    disk === null ? null : `${bytes(disk.freeBytes)} free on the home's disk`
  ]
    .filter((part) => part !== null)
    .join(", ")
    .concat(".")
}

const checkOpenFiles = ({ config, system: { openFiles } }: Snapshot): ReadonlyArray<Finding> => {
  if (openFiles === null || openFiles.limit === null) return []
  const { limit, of } = openFiles
  const sessions = Math.max(0, Math.floor((limit - FILES_OF_HOB) / FILES_OF_A_SESSION))
  if (sessions >= config.maxSessions) return []
  const means = `The ${of} may have ${limit} files open: enough for about ${plural(sessions, "session")}, and sessions.maxCount allows ${config.maxSessions}.`
  const wanted = config.maxSessions * FILES_OF_A_SESSION + FILES_OF_HOB
  const mend = `ulimit -Hn ${wanted} && hob restart`
  return [sessions < 20 ? problem("limits.open-files", means, { mend }) : warning("limits.open-files", means, { mend })]
}

const checkProcesses = ({ system: { processes }, uid }: Snapshot): ReadonlyArray<Finding> => {
  // Nothing limits root's.
  if (processes === null || processes.limit === null || uid === 0) return []
  const { limit, used } = processes
  if (used < limit * ALMOST) return []
  return [
    warning(
      "limits.processes",
      `${used} of ${limit} processes and threads that this user may have are there: the next program may fail to start.`,
      { mend: "ps -u $USER -L" }
    )
  ]
}

const checkTerminals = ({ system: { terminals } }: Snapshot): ReadonlyArray<Finding> => {
  if (terminals === null || terminals.used < terminals.limit * ALMOST) return []
  const { limit, used } = terminals
  const means = `${used} of the ${limit} terminals of this machine are in use: the next session may not get one.`
  const mend = `sudo sysctl kernel.pty.max=${limit * 4}`
  return [used >= limit ? problem("limits.terminals", means, { mend }) : warning("limits.terminals", means, { mend })]
}

const checkDisk = ({ paths, system: { disk } }: Snapshot): ReadonlyArray<Finding> => {
  if (disk === null) return []
  const { freeBytes, freeFiles, totalFiles } = disk
  const mend = sh("du", "-sh", paths.sessions)
  const full = "what sessions print is then no longer logged, and no new one starts."
  const findings: Array<Finding> = []
  if (freeBytes < 64 * MiB)
    findings.push(problem("limits.disk", `The disk of ${paths.home} has ${bytes(freeBytes)} left: ${full}`, { mend }))
  else if (freeBytes < 1024 * MiB)
    findings.push(
      warning("limits.disk", `The disk of ${paths.home} has ${bytes(freeBytes)} left; when it is full, ${full}`, {
        mend
      })
    )
  if (totalFiles > 0 && freeFiles < 1000)
    findings.push(
      problem("limits.inodes", `The disk of ${paths.home} takes ${plural(freeFiles, "more file")}: ${full}`, {
        mend: `df -i ${paths.home}`
      })
    )
  else if (totalFiles > 0 && freeFiles < 10_000)
    findings.push(
      warning("limits.inodes", `The disk of ${paths.home} takes only ${freeFiles} more files.`, {
        mend: `df -i ${paths.home}`
      })
    )
  return findings
}

const YEAR = 366 * 24 * 3600 * 1000
/** Nothing of hob's is older than this. */
const FIRST_DAY = Date.UTC(2026, 0, 1)

/** A clock that is wrong makes ages and retention wrong. */
export const checkClock = ({ files, now, system: { timeZone } }: Snapshot): ReadonlyArray<Finding> => {
  const latest = Math.max(0, ...files.filter(({ kind }) => kind !== "missing").map(({ modified }) => modified))
  const findings: Array<Finding> = []
  const set = { mend: "timedatectl set-ntp true" }
  if (now < FIRST_DAY) {
    findings.push(
      problem(
        "clock.time",
        `The clock says ${new Date(now).toISOString()}: before hob was made. Ages and retention go wrong.`,
        set
      )
    )
  } else if (latest > now + 24 * 3600 * 1000) {
    const means = `Files in the home are from ${new Date(latest).toISOString()}, and the clock says ${new Date(now).toISOString()}: it was, or is, wrong.`
    findings.push(latest > now + YEAR ? problem("clock.time", means, set) : warning("clock.time", means, set))
  }
  if (!timeZone.valid) {
    findings.push(
      warning("clock.zone", `TZ=${timeZone.name} is no time zone that is known here: local times are shown in UTC.`, {
        mend: "unset TZ"
      })
    )
  }
  return findings.length > 0
    ? findings
    : [ok("clock.all", `The clock says ${new Date(now).toISOString()}, time zone ${timeZone.name}.`)]
}

const limits = [
  ["memory", "--max-memory"],
  ["cpu", "--max-cpu"],
  ["pids", "--max-processes"]
] as const

/** What holds sessions to limits. */
export const checkContainment = ({ system: { controllers } }: Snapshot): ReadonlyArray<Finding> => {
  const flags = (isHeld: boolean) =>
    limits.filter(([controller]) => controllers.includes(controller) === isHeld).map(([, flag]) => flag)
  const [held, rest] = [flags(true), flags(false)]
  const parts = [
    ...(held.length === 0 ? [] : [`${held.join(", ")} by the kernel, in control groups`]),
    ...(rest.length === 0
      ? []
      : [`${rest.join(", ")} by looking, or not at all: no such control group may be made here`])
  ]
  return [ok("limits.sessions", `A session is held to ${parts.join("; ")}.`)]
}
