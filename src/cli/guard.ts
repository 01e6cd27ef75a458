/**
 * Ends a locked command that would outlive us. Nothing of ours runs any more when we are killed with SIGKILL, so a shell
 * stands beside us that waits for our end. It holds our connection to the daemon open too: the lock that is bound to it
 * is not free before the command is gone.
 */
import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:net"
import { identityOf } from "../config/processIdentity.ts"
import { endTree } from "./lockedCommand.ts"

/**
 * Descriptor 3 says which command that is, and then that it is over; it ends before when we do. If hob can't be started
 * any more, the command alone is ended.
 */
const SCRIPT = `set -f
IFS= read -r command <&3 || exit 0
IFS= read -r over <&3 && exit 0
"$@" $command && exit 0
pid=\${command%% *}
kill -TERM "$pid" && sleep 5 && kill -KILL "$pid"`

export class Guard {
  #shell: ChildProcess | undefined
  #command: string | undefined

  /** From now on the lock is bound to this connection. */
  readonly follow = (connection: Socket): void => {
    const before = this.#shell
    this.#shell = startShell(connection)
    if (this.#command !== undefined) tell(this.#shell, this.#command)
    tell(before, "over")
  }

  /** The command runs; `graceMillis` is what it has between SIGTERM and SIGKILL. */
  watch(pid: number, graceMillis: number): void {
    const startTime = identityOf(pid)?.startTime
    if (startTime === undefined) return
    this.#command = [pid, encodeURIComponent(startTime), Math.round(graceMillis)].join(" ")
    tell(this.#shell, this.#command)
  }

  /** The command has ended. */
  dismiss(): void {
    tell(this.#shell, "over")
    this.#shell = undefined
  }
}

const startShell = (connection: Socket): ChildProcess | undefined => {
  const hob = [process.execPath, ...process.execArgv, process.argv[1]!, "__end"]
  try {
    const shell = spawn("/bin/sh", ["-c", SCRIPT, "hob-lock-guard", ...hob], {
      // The keys of our terminal are not meant for it.
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "pipe", connection]
    })
    // Node stops reading what it has given away, and this one is still ours.
    connection.resume()
    // Without one, all is as it is but for this.
    shell.on("error", () => {})
    shell.stdio[3]?.on("error", () => {})
    return shell
  } catch {
    return undefined
  }
}

const tell = (shell: ChildProcess | undefined, line: string): void => {
  const pipe = shell?.stdio[3]
  if (pipe !== null && pipe !== undefined && "write" in pipe) pipe.write(`${line}\n`)
}

/** `hob __end PID START GRACE`: ends that very process and what it has started, if it is still there. */
export const endLeftover = async (pid: number, startTime: string, graceMillis: number): Promise<void> => {
  if (identityOf(pid)?.startTime === decodeURIComponent(startTime)) await endTree(pid, graceMillis)
}
