/** The units of systemd's user manager that keep a daemon: their text, and nothing else. */

export interface UnitOptions {
  /** `hob`: what both units are called, less their kind. */
  readonly name: string
  readonly version: string
  readonly home: string
  readonly socket: string
  /** The program and its arguments. */
  readonly command: ReadonlyArray<string>
  /** Variables that the manager doesn't have by itself, or has otherwise. */
  readonly environment: Readonly<Record<string, string>>
  /** Whether the daemon can tell systemd that it is ready. */
  readonly canNotify: boolean
}

const MARK = "# Written by `hob service install`"

/** The first line of a file that hob has written, which alone it replaces and removes. */
export const mark = (version: string): string => `${MARK} of hob ${version}; \`hob service uninstall\` removes it.`

export const isMarked = (content: string): boolean => content.includes(MARK.slice(2))

/** A text in which systemd replaces nothing. */
const literal = (text: string): string => text.replaceAll("%", "%%")
/** One word of a command line or a list of variables. */
const word = (text: string): string => `"${literal(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`

/**
 * `KillMode=process`, though the session-host has a unit of its own where that can be had: where it can't, stopping the
 * daemon must not end the sessions. The same goes for a session that the kernel kills for want of memory. `Delegate`
 * lets it hold sessions to limits.
 */
export const serviceUnit = (options: UnitOptions): string => {
  const { canNotify, command, environment, home, name, version } = options
  return [
    mark(version),
    "[Unit]",
    `Description=hob daemon of ${literal(home)}`,
    `Wants=${name}.socket`,
    `After=${name}.socket`,
    "",
    "[Service]",
    ...(canNotify ? ["Type=notify", "NotifyAccess=all"] : ["Type=exec"]),
    ...Object.entries(environment).map(([key, value]) => `Environment=${word(`${key}=${value}`)}`),
    `ExecStart=${command.map((text) => word(text).replaceAll("$", "$$$$")).join(" ")}`,
    `ExecReload=/bin/sh -c "kill -HUP $MAINPID"`,
    "KillMode=process",
    "Delegate=yes",
    "OOMPolicy=continue",
    "TimeoutStopSec=30s",
    "Restart=on-failure",
    "RestartSec=1s",
    "",
    "[Install]",
    "WantedBy=default.target",
    ""
  ].join("\n")
}

/** The socket is systemd's: it is there before the daemon and while the daemon is replaced, and starts it when needed. */
export const socketUnit = ({ home, socket, version }: UnitOptions): string =>
  [
    mark(version),
    "[Unit]",
    `Description=hob socket of ${literal(home)}`,
    "",
    "[Socket]",
    `ListenStream=${literal(socket)}`,
    "SocketMode=0600",
    "DirectoryMode=0700",
    "Backlog=4096",
    "FileDescriptorName=hob",
    "",
    "[Install]",
    "WantedBy=sockets.target",
    ""
  ].join("\n")
