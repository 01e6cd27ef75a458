import { PROTOCOL_VERSION } from "../../protocol/daemon.ts"
import { HOST_PROTOCOL_VERSION } from "../../protocol/sessionHost.ts"
import type { DaemonStatus } from "../../protocol/daemon.ts"
import { type Build, buildName, relationOf } from "../../config/versions.ts"
import { oneLine, plural } from "../render/text.ts"
import { type Finding, ok, problem, remove, sh, warning } from "./finding.ts"
import type { Snapshot } from "./snapshot.ts"

/** Whether the daemon runs, answers, and is well. Not running is well. */
export const checkDaemon = ({ daemon }: Snapshot): ReadonlyArray<Finding> => {
  const { locked, problem: why, record, status } = daemon
  if (status !== null) {
    const sick = status.concerns.filter(({ state }) => state !== "up")
    return [
      ok(
        "daemon.answers",
        `The daemon runs (pid ${status.pid}) and answers; ${plural(status.sessions.running, "session")}.`
      ),
      ...sick.map(({ lastFailure, name, state }) =>
        problem(
          "daemon.concern",
          `${name} is ${state}${lastFailure === null ? "" : `: ${oneLine(lastFailure.reason)}`}.`,
          { mend: "hob logs" }
        )
      ),
      ...(status.storage === undefined || status.storage.problem === null
        ? []
        : [
            problem(
              "daemon.store",
              `${status.storage.path} is ${status.storage.state}: ${oneLine(status.storage.problem.reason)}. Nothing new is kept until that is mended.`,
              { mend: "hob restart" }
            )
          ])
    ]
  }
  if (locked || record?.alive === true) {
    const who = record?.alive === true ? ` (pid ${record.pid})` : ""
    return [
      problem("daemon.answers", `The daemon runs${who} and does not answer: ${oneLine(why ?? "nobody knows why")}`, {
        mend: "hob stop --force"
      })
    ]
  }
  return [ok("daemon.answers", "The daemon does not run: the next command that needs it starts it.")]
}

/** What a daemon or a session-host that died has left. */
export const checkStale = ({ daemon, paths, sockets }: Snapshot): ReadonlyArray<Finding> => {
  const { locked, record } = daemon
  return [
    ...(record === null || record.alive || locked
      ? []
      : [
          warning(
            "stale.record",
            `${paths.lockInfo} speaks of a daemon (pid ${record.pid}) that was killed or crashed. The next one replaces it.`,
            remove(paths.lockInfo)
          )
        ]),
    ...sockets.flatMap(({ kept, path, problem: why, state, what }) => {
      if (state === "unusable") return [problem("sockets.unusable", `${path} (${what}): ${why}`)]
      if (state !== "refused" || kept) return []
      return [
        warning("stale.socket", `${path} (${what}) is left over: nobody listens on it. The next one replaces it.`, {
          mend: `rm ${path}`,
          fix: [{ type: "remove-socket", path }]
        })
      ]
    })
  ]
}

/** Where other programs' clients look for hob. */
export const checkDialects = ({ dialects }: Snapshot): ReadonlyArray<Finding> =>
  dialects.flatMap(({ args, name, reason, socket, state }) => {
    const called = [name, ...args].join(" ")
    if (state === "up") return [ok("dialects.up", `${called} is answered at ${socket}.`)]
    if (state !== "refused" && state !== "closed") return []
    return [
      problem("dialects.down", `${called} is not answered at ${socket} (${state}): ${oneLine(reason ?? "")}`, {
        mend: sh("hob", "dialect", "enable", name, ...args)
      })
    ]
  })

const OLDEST_NODE = 24

/** Which hob each process is, beside the one that is installed. */
const checkBuilds = (status: DaemonStatus, installed: Build): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  const daemon = relationOf(status, installed)
  if (daemon !== "same") {
    const mend = daemon === "newer" ? "hob upgrade --downgrade" : "hob upgrade"
    const text = `The daemon is ${buildName(status)}, this command is ${buildName(installed)}.`
    findings.push(warning("versions.daemon", text, { mend }))
  }
  const host = status.sessionHost
  // One that does not tell its version speaks of its protocol.
  if (host === null || (host.version === undefined && host.protocol === HOST_PROTOCOL_VERSION)) return findings
  const relation = relationOf(host, status)
  if (relation !== "same") {
    const text = `The session-host (pid ${host.pid}) is ${buildName(host)}, the daemon is ${buildName(status)}`
    const failure = host.lastUpgrade?.failure
    findings.push(
      host.upgradable === true
        ? warning("versions.host", `${text}${failure == null ? "" : `: ${oneLine(failure.detail)}`}.`, {
            mend: relation === "newer" ? "hob upgrade --downgrade" : "hob upgrade"
          })
        : warning("versions.host", `${text}: some things wait until its last session has ended.`)
    )
  }
  const screens = host.screens
  // One of what is installed goes with a session-host that is to be replaced.
  if (screens != null && relationOf(screens, host) !== "same" && relationOf(screens, installed) !== "same") {
    const text = `The screens process (pid ${screens.pid}) is ${buildName(screens)}, its session-host is ${buildName(host)}.`
    findings.push(warning("versions.screens", text, { mend: `kill ${screens.pid}` }))
  }
  return findings
}

/** What runs, beside what is installed. */
export const checkVersions = ({ daemon: { status }, installation }: Snapshot): ReadonlyArray<Finding> => {
  const { build, node, packages, terminalProblem, version } = installation
  const findings: Array<Finding> = []
  if (Number(/^v(\d+)/.exec(node)?.[1]) < OLDEST_NODE) {
    findings.push(
      problem("versions.node", `Node ${node} is too old: hob needs ${OLDEST_NODE} or newer.`, { mend: "npm run setup" })
    )
  }
  if (status !== null) {
    findings.push(...checkBuilds(status, { version, build }))
    if (status.protocol !== PROTOCOL_VERSION) {
      findings.push(
        problem(
          "versions.protocol",
          `The daemon speaks protocol ${status.protocol}, this command ${PROTOCOL_VERSION}.`,
          { mend: "hob upgrade" }
        )
      )
    }
    if (status.node !== node) {
      findings.push(
        warning("versions.node", `The daemon runs on Node ${status.node}, this command on ${node}.`, {
          mend: "hob restart"
        })
      )
    }
  }
  for (const { found, name, wanted } of packages) {
    // A package that is missing may be part of the program itself.
    if (found === wanted || found === null) continue
    findings.push(
      problem("versions.package", `The package ${name} is ${found}; hob needs ${wanted}.`, {
        mend: "npm install"
      })
    )
  }
  if (terminalProblem !== null) {
    findings.push(problem("versions.node-pty", terminalProblem, { mend: "npm install" }))
  }
  const pty = packages.find(({ name }) => name === "node-pty")?.found ?? "missing"
  const effect = packages.find(({ name }) => name === "effect")?.found ?? "unknown"
  return findings.length > 0
    ? findings
    : [
        ok(
          "versions.all",
          `hob ${version} on Node ${node}, effect ${effect}, node-pty ${pty}; everything that runs is of this version.`
        )
      ]
}
