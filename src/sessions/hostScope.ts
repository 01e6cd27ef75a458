import { randomBytes } from "node:crypto"

type Env = Readonly<Record<string, string | undefined>>

/**
 * Whether systemd itself started this process: then all that it starts is in its unit's control group, and meets what
 * meets the unit. The variable is inherited, so it counts only with our own pid.
 */
export const isUnit = (env: Env, pid: number): boolean => Number(env["SYSTEMD_EXEC_PID"]) === pid

/**
 * The command that runs `command` in a scope of the user's manager, a unit of its own: it stays the same process, with
 * the same descriptors. Stopped with the manager, at the user's last logout or when the machine goes down, interactive
 * shells are told to hang up, for nothing else ends them, and what is left after a while is killed.
 */
export const inScope = (command: ReadonlyArray<string>): ReadonlyArray<string> => [
  "systemd-run",
  "--user",
  "--scope",
  "--quiet",
  "--collect",
  `--unit=hob-host-${randomBytes(4).toString("hex")}`,
  "--description=hob session-host",
  // Sessions get control groups of their own below it.
  "--property=Delegate=yes",
  "--property=SendSIGHUP=yes",
  "--property=TimeoutStopSec=10s",
  "--",
  ...command
]

/** What systemd-run needs to find the user's manager. */
export const managerVariables = ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] as const
