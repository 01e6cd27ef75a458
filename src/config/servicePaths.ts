import { homedir } from "node:os"
import { join } from "node:path"
import type { Paths } from "./paths.ts"

/** What tells a service manager about hob, and where its users keep such files. */
export interface ServicePaths {
  /** `hob`, or `hob-<eight digits>` for a home that HOB_HOME leads to: each home may have a service of its own. */
  readonly name: string
  readonly systemdService: string
  readonly systemdSocket: string
  readonly launchdPlist: string
  /** There while systemd keeps the user's manager running without a login. */
  readonly linger: (user: string) => string
}

/** Computes {@link ServicePaths}; touches no file. */
export const servicePaths = (paths: Paths, env: Readonly<Record<string, string | undefined>>): ServicePaths => {
  const name = paths.environment["HOB_HOME"] === undefined ? "hob" : `hob-${digest(paths.home)}`
  const home = env["HOME"] || homedir()
  const units = join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "systemd", "user")
  return {
    name,
    systemdService: join(units, `${name}.service`),
    systemdSocket: join(units, `${name}.socket`),
    launchdPlist: join(home, "Library", "LaunchAgents", `${name}.daemon.plist`),
    linger: (user) => join("/var/lib/systemd/linger", user)
  }
}

/** FNV-1a: tells homes apart by name, and loads nothing. */
const digest = (text: string): string => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(16).padStart(8, "0")
}
