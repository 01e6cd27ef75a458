import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { until } from "../home.ts"

const repository = resolve(import.meta.dirname, "../../..")
const namespaces = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup"]
const cgroups = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((path) => existsSync(join(path, "cgroup.procs")))

/**
 * Why no machine can be booted here; null when one can. It takes root and a kernel that gives namespaces away, which a
 * machine that promises every program needn't.
 */
export const noMachine = ((): string | null => {
  if (process.getuid?.() !== 0) return "root"
  if (cgroups === undefined) return "a cgroup2 hierarchy"
  if (!existsSync("/lib/systemd/systemd") && !existsSync("/usr/lib/systemd/systemd")) return "systemd"
  for (const program of ["dbus-daemon", "loginctl", "nsenter", "su"]) {
    if (spawnSync("/bin/sh", ["-c", `command -v ${program}`]).status !== 0) return program
  }
  if (
    spawnSync("/bin/sh", ["-c", "ls /lib/*/security/pam_systemd.so /lib*/security/pam_systemd.so"]).stdout.length === 0
  )
    return "pam_systemd"
  const test = "mount --make-rprivate / && mount -t cgroup2 cgroup2 /sys && grep -q overlay /proc/filesystems"
  return spawnSync("unshare", [...namespaces, "--fork", "sh", "-c", test]).status === 0 ? null : "namespaces"
})()

export interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A machine that runs systemd, with this tree's `hob`. What is changed on it, is changed on it alone. */
export class Machine {
  readonly #directory = mkdtempSync(join(tmpdir(), "hob-machine-"))
  readonly #cgroup = join(cgroups!, `hob-machine-${process.pid}`)
  readonly #unshare: ChildProcess
  #init = 0

  private constructor() {
    mkdirSync(this.#cgroup, { recursive: true })
    const script = 'echo $$ > "$0/cgroup.procs"; exec "$@"'
    const boot = join(import.meta.dirname, "boot.sh")
    const command = ["unshare", ...namespaces, "--fork", "--kill-child", "sh", boot, this.#directory, repository]
    this.#unshare = spawn("sh", ["-c", script, this.#cgroup, ...command], { stdio: ["ignore", "ignore", "inherit"] })
  }

  static async boot(): Promise<Machine> {
    const machine = new Machine()
    await until("there is an init", () => (machine.#init = machine.#child()) !== 0)
    await until("the machine is up", async () => {
      const { stdout } = await machine.root("systemctl", "is-system-running")
      return /^(running|degraded)/.test(stdout)
    })
    return machine
  }

  #child(): number {
    const pid = this.#unshare.pid!
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0])
  }

  /** Runs a program on the machine, outside of any login. */
  root(...command: ReadonlyArray<string>): Promise<Said> {
    const enter = ["--target", String(this.#init), "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--"]
    return new Promise((done) => {
      const child = execFile(
        "nsenter",
        [...enter, ...command],
        { env: { PATH: process.env["PATH"] } },
        (_, stdout, stderr) => done({ code: child.exitCode, stdout, stderr })
      )
    })
  }

  /** Logs in, runs a script of the shell, and logs out again. */
  login(script: string): Promise<Said> {
    return this.root("su", "-l", "root", "-c", `PATH=${join(repository, "bin")}:$PATH; cd; ${script}`)
  }

  async shutdown(): Promise<void> {
    const ended = new Promise((done) => this.#unshare.once("exit", done))
    if (this.#unshare.exitCode === null) {
      this.#unshare.kill("SIGKILL")
      await ended
    }
    await until("all its processes are gone", () => {
      try {
        writeFileSync(join(this.#cgroup, "cgroup.kill"), "1")
      } catch {
        // older kernels, or gone already
      }
      try {
        removeGroups(this.#cgroup)
        return true
      } catch {
        return false
      }
    })
    rmdirSync(this.#directory)
  }
}

/** Control groups are removed from the leaves up; what they seem to hold are not files. */
const removeGroups = (path: string): void => {
  const { status } = spawnSync("find", [path, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"])
  if (status !== 0 || existsSync(path)) throw new Error(`${path} is in use`)
}
