import { existsSync } from "node:fs"
import { userInfo } from "node:os"
import { delimiter, join } from "node:path"
import { entrypoint } from "../../config/entrypoints.ts"
import { makePaths } from "../../config/paths.ts"
import { servicePaths } from "../../config/servicePaths.ts"
import { VERSION } from "../../config/version.ts"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { execute } from "./execute.ts"
import { contentOf } from "./files.ts"
import type { ServiceFile, ServiceManager, UnitState } from "./manager.ts"
import { serviceUnit, socketUnit } from "./units.ts"

const uid = (): number => process.getuid?.() ?? -1

/** systemd's manager of this user's services, through `systemctl --user`. */
export const systemd = (context: Context): ServiceManager => {
  const { env, paths, settings } = context
  const where = servicePaths(paths, env)
  const [service, socket] = [`${where.name}.service`, `${where.name}.socket`]
  const systemctl = (...args: ReadonlyArray<string>) => execute(env, "systemctl", "--user", ...args)
  const must = async (...args: ReadonlyArray<string>): Promise<void> => {
    const { code, problem } = await systemctl(...args)
    if (code !== 0) throw new Fault(ExitCode.failure, `\`systemctl --user ${args.join(" ")}\` failed: ${problem}`)
  }

  const files = async (): Promise<ReadonlyArray<ServiceFile>> => {
    const manager = parseVariables((await systemctl("show-environment")).stdout)
    const options = {
      name: where.name,
      version: VERSION,
      home: paths.home,
      socket: paths.socket,
      command: [process.execPath, entrypoint("daemon"), ...settings.flatMap((setting) => ["-c", setting])],
      environment: makePaths(manager).socket === paths.socket ? {} : paths.environment,
      canNotify: isOnPath(manager["PATH"], "systemd-notify")
    }
    return [
      { path: where.systemdService, content: serviceUnit(options), found: contentOf(where.systemdService) },
      { path: where.systemdSocket, content: socketUnit(options), found: contentOf(where.systemdSocket) }
    ]
  }

  return {
    kind: "systemd",
    problem: async () => {
      const { code, problem } = await systemctl("show-environment")
      if (code === 0) return null
      const runtime = `XDG_RUNTIME_DIR=/run/user/${uid()}`
      return {
        message: `systemd's manager of user ${uid()} does not answer: ${problem}`,
        hint: `It is there once this user has logged in by itself (not by su or sudo); then ${runtime} leads to it. hob needs no service manager: any command starts the daemon.`
      }
    },
    files,
    load: async () => {
      await must("daemon-reload")
      await systemctl("stop", service, socket)
      await must("enable", socket, service)
    },
    start: async () => {
      await must("start", socket)
      const { code, problem } = await systemctl("start", service)
      if (code === 0) return
      throw new Fault(
        ExitCode.failure,
        `systemd could not start the daemon: ${problem}`,
        `\`hob logs\` says why, or \`journalctl --user -u ${service}\`.`
      )
    },
    unload: async () => void (await systemctl("disable", "--now", socket, service)),
    forget: async () => {
      await systemctl("daemon-reload")
      await systemctl("reset-failed", socket, service)
    },
    states: async () => {
      const properties = "Id,ActiveState,SubState,UnitFileState,MainPID"
      const { stdout } = await systemctl("show", socket, service, `--property=${properties}`)
      return stdout.split(/\n\n+/).flatMap((block) => unitState(parseVariables(block)) ?? [])
    },
    linger: async () => {
      const { code, stdout } = await execute(env, "loginctl", "show-user", String(uid()), "--property=Linger")
      // loginctl knows users who are logged in or linger; of others the file tells.
      return code === 0 ? stdout.trim() === "Linger=yes" : existsSync(where.linger(userInfo().username))
    }
  }
}

/** One block of `systemctl show`; null for nothing. */
export const unitState = (fields: Readonly<Record<string, string>>): UnitState | null => {
  const { ActiveState = "", Id, MainPID = "0", SubState = "", UnitFileState = "" } = fields
  if (Id === undefined) return null
  return {
    name: Id,
    enabled: UnitFileState === "enabled",
    state: SubState === "" || SubState === ActiveState ? ActiveState : `${ActiveState} (${SubState})`,
    active: ActiveState === "active" || ActiveState === "activating" || ActiveState === "reloading",
    failed: ActiveState === "failed",
    pid: Number(MainPID) || null
  }
}

/** Lines of `NAME=value`. */
export const parseVariables = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const equals = line.indexOf("=")
      return equals < 1 ? [] : [[line.slice(0, equals), line.slice(equals + 1)]]
    })
  )

const isOnPath = (path: string | undefined, program: string): boolean =>
  (path ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter).some((directory) => existsSync(join(directory, program)))
