import { lingerText, outsideText } from "../render/service.ts"
import { type Finding, ok, problem, sh, warning } from "./finding.ts"
import type { Snapshot } from "./snapshot.ts"

/** Whether a shell finds `hob`, this one, and completes it. */
export const checkShell = ({ shell }: Snapshot): ReadonlyArray<Finding> => {
  const { completions, found, name, own } = shell
  const findings: Array<Finding> = []
  if (found === null) {
    findings.push(
      warning("shell.path", "`hob` is not on the PATH: programs in sessions and scripts don't find it.", {
        mend: sh("ln", "-s", own, "~/.local/bin/hob").replace("'~/.local/bin/hob'", "~/.local/bin/hob")
      })
    )
  } else if (found !== own) {
    findings.push(
      warning("shell.path", `The \`hob\` on the PATH is ${found}, this one is ${own}: two versions may take turns.`, {
        mend: "type -a hob"
      })
    )
  } else findings.push(ok("shell.path", `\`hob\` on the PATH is this one (${own}).`))
  if (name !== null) {
    const mend = "hob completions install"
    if (completions === null)
      findings.push(ok("shell.completions", `Completions for ${name} are not installed.`, { mend }))
    else if (!completions.current) {
      findings.push(warning("shell.completions", `${completions.path} completes another version of hob.`, { mend }))
    } else findings.push(ok("shell.completions", `Completions for ${name} are installed: ${completions.path}.`))
  }
  return findings
}

/** The keys that multiplexers around us keep for themselves, by the variable that tells of them. */
const prefixes: Readonly<Record<string, readonly [name: string, key: string]>> = {
  TMUX: ["tmux", "C-b"],
  STY: ["screen", "C-a"]
}

/** Terminals inside of terminals. */
export const checkNesting = ({ config, env }: Snapshot): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  const session = env["HOB_SESSION_ID"]
  if (session)
    findings.push(
      ok("nesting.session", `This is inside session ${session}: attaching to it from here would show it inside itself.`)
    )
  for (const [variable, [name, key]] of Object.entries(prefixes)) {
    if (!env[variable] || config.detachKey.split(" ")[0] !== key) continue
    findings.push(
      warning(
        "nesting.detach-key",
        `The detach key "${config.detachKey}" begins with ${key}, which ${name} around this terminal keeps for itself.`,
        {
          mend: "$EDITOR $(hob config path)"
        }
      )
    )
  }
  return findings
}

/** The configuration: every mistake in it. */
export const checkConfig = ({ config, paths }: Snapshot): ReadonlyArray<Finding> => {
  const findings = [
    ...config.mistakes.map((message) =>
      problem("config.mistake", `${message}. No daemon starts with it; one that runs keeps what it has.`, {
        mend: "$EDITOR $(hob config path)"
      })
    ),
    ...config.warnings.map((message) => warning("config.variable", `${message[0]!.toUpperCase()}${message.slice(1)}.`))
  ]
  return findings.length > 0 ? findings : [ok("config.all", `${paths.config}: no mistakes.`)]
}

/** The service, where it is installed. */
export const checkService = ({ daemon, service }: Snapshot): ReadonlyArray<Finding> => {
  if (service === null || !service.installed)
    return [ok("service.installed", "hob is not installed as a service, and needs none.")]
  const findings: Array<Finding> = []
  const install = { mend: "hob service install" }
  const missing = service.files.filter(({ differences }) => differences.length > 0)
  for (const { path } of missing)
    findings.push(warning("service.files", `${path} is not what this version of hob writes.`, install))
  for (const { active, enabled, failed, name, state } of service.units) {
    if (failed)
      findings.push(problem("service.unit", `${name} has failed.`, { mend: "hob logs && hob service install" }))
    else if (!enabled)
      findings.push(warning("service.unit", `${name} is not enabled: it does not start at your next login.`, install))
    else if (!active && !name.endsWith(".service"))
      findings.push(warning("service.unit", `${name} is ${state}: commands start a daemon of their own.`, install))
  }
  const pid = daemon.status?.pid ?? null
  const outside = outsideText(service, pid)
  if (outside !== null) findings.push(warning("service.daemon", outside, install))
  if (service.linger === false)
    findings.push(warning("service.linger", lingerText(false)!, { mend: "loginctl enable-linger" }))
  return findings.length > 0 ? findings : [ok("service.installed", `hob is a service of ${service.manager}, and up.`)]
}
