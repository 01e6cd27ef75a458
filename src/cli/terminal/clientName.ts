import { readlinkSync } from "node:fs"
import type { Context } from "../context.ts"

/** Who is attached, for those who share the session: the terminal, and where from when that is another machine. */
export const clientName = (env: Context["env"]): string => {
  const from = env["SSH_CONNECTION"]?.split(" ")[0]
  return from === undefined || from === "" ? terminalName() : `${terminalName()} from ${from}`
}

/** Such as `pts/3`. */
const terminalName = (): string => {
  for (const path of ["/proc/self/fd/0", "/dev/fd/0"]) {
    try {
      const device = readlinkSync(path)
      if (device.startsWith("/dev/")) return device.slice("/dev/".length)
    } catch {
      // Not on this system.
    }
  }
  return `process ${process.pid}`
}
