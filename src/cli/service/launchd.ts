import { entrypoint } from "../../config/entrypoints.ts"
import { servicePaths } from "../../config/servicePaths.ts"
import { VERSION } from "../../config/version.ts"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { execute } from "./execute.ts"
import { contentOf } from "./files.ts"
import type { ServiceManager, UnitState } from "./manager.ts"
import { plist } from "./plist.ts"

/** macOS's launchd, in the domain of the user who is logged in at the screen. */
export const launchd = (context: Context): ServiceManager => {
  const { env, paths, settings } = context
  const where = servicePaths(paths, env)
  const label = `${where.name}.daemon`
  const domain = `gui/${process.getuid?.() ?? -1}`
  const launchctl = (...args: ReadonlyArray<string>) => execute(env, "launchctl", ...args)
  const content = () =>
    plist({
      label,
      version: VERSION,
      command: [process.execPath, entrypoint("daemon"), ...settings.flatMap((setting) => ["-c", setting])],
      // launchd's own PATH has nothing that a user installed.
      environment: { ...paths.environment, ...(env["PATH"] === undefined ? {} : { PATH: env["PATH"] }) },
      log: paths.daemonLog
    })
  return {
    kind: "launchd",
    problem: async () => {
      const { code, problem } = await launchctl("print", domain)
      if (code === 0) return null
      return {
        message: `launchd has no ${domain}: ${problem}`,
        hint: "It is there once this user has logged in at the screen. hob needs no service manager: any command starts the daemon."
      }
    },
    files: async () => [{ path: where.launchdPlist, content: content(), found: contentOf(where.launchdPlist) }],
    load: async () => void (await launchctl("bootout", `${domain}/${label}`)),
    start: async () => {
      const { code, problem } = await launchctl("bootstrap", domain, where.launchdPlist)
      if (code === 0) return
      const hint = "`hob logs` may say why."
      throw new Fault(ExitCode.failure, `launchd did not take ${where.launchdPlist}: ${problem}`, hint)
    },
    unload: async () => void (await launchctl("bootout", `${domain}/${label}`)),
    forget: async () => {},
    states: async () => {
      const { code, stdout } = await launchctl("print", `${domain}/${label}`)
      return [jobState(label, code === 0 ? stdout : null)]
    },
    linger: async () => null
  }
}

/** What `launchctl print` says of a job; null when it knows none. */
export const jobState = (label: string, printed: string | null): UnitState => {
  const state = printed === null ? "not loaded" : (/^\s*state = (.+)$/m.exec(printed)?.[1] ?? "unknown")
  const pid = Number(/^\s*pid = (\d+)$/m.exec(printed ?? "")?.[1] ?? 0)
  const lastExit = /^\s*last exit code = (\d+)/m.exec(printed ?? "")?.[1] ?? "0"
  return {
    name: label,
    enabled: printed !== null,
    state,
    active: state === "running",
    failed: state !== "running" && lastExit !== "0",
    pid: pid || null
  }
}
