/** A Secret Service of its own: a session bus, and gnome-keyring on it, unlocked. */
import { spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export interface Keyring {
  /** With which its clients find it. `secret-tool` is one that writes its arguments down, and then is the real one. */
  readonly env: NodeJS.ProcessEnv
  /** Each argument that `secret-tool` was ever called with. */
  readonly argumentsFile: string
  readonly stop: () => Promise<void>
}

/** Below `directory`, which holds everything of it. */
export const startKeyring = (directory: string): Promise<Keyring> => {
  const bin = join(directory, "keyring-bin")
  const argumentsFile = join(directory, "arguments")
  mkdirSync(bin, { recursive: true })
  const path = `${bin}:${process.env["PATH"]}`
  writeFileSync(argumentsFile, "")
  writeFileSync(
    join(bin, "secret-tool"),
    `#!/bin/sh\nprintf '%s\\n' "$@" >>'${argumentsFile}'\nPATH=$(printf %s "$PATH" | cut -d: -f2-) exec secret-tool "$@"\n`,
    { mode: 0o755 }
  )
  const own = { PATH: path, HOME: directory, XDG_DATA_HOME: join(directory, "data"), XDG_RUNTIME_DIR: directory }
  const script = `printf x | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; echo "$DBUS_SESSION_BUS_ADDRESS"; exec cat`
  const child = spawn("dbus-run-session", ["--", "sh", "-c", script], { env: own, stdio: ["pipe", "pipe", "ignore"] })
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  return new Promise((resolve, reject) => {
    child.once("error", reject)
    child.stdout.setEncoding("utf8").once("data", (address: string) =>
      resolve({
        env: { ...own, DBUS_SESSION_BUS_ADDRESS: address.trim() },
        argumentsFile,
        stop: () => {
          child.stdin.end()
          return ended
        }
      })
    )
  })
}
