/** All that `hob doctor` looks at, as it was found. The checks are functions of this and of nothing else. */
import type { Paths } from "../../config/paths.ts"
import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { DialectStatus } from "../../protocol/dialectStatus.ts"
import type { ServiceStatus } from "../render/service.ts"

export interface Snapshot {
  readonly paths: Paths
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly uid: number
  /** Milliseconds since 1970, as the clock says. */
  readonly now: number
  readonly files: ReadonlyArray<FileFact>
  readonly sessions: ReadonlyArray<SessionFact>
  readonly daemon: DaemonFact
  readonly sockets: ReadonlyArray<SocketFact>
  readonly installation: InstallationFact
  readonly system: SystemFact
  readonly shell: ShellFact
  readonly config: ConfigFact
  /** Every dialect, as the daemon sees it; none when none runs. */
  readonly dialects: ReadonlyArray<DialectStatus>
  /** Null where there is no service manager that could be asked. */
  readonly service: ServiceStatus | null
}

/** A file of hob's, or one that should be; or something that lies where only hob's files should. */
export interface FileFact {
  readonly path: string
  /** What it is for, in a word or two. */
  readonly what: string
  readonly kind: "file" | "directory" | "link" | "socket" | "other" | "missing"
  readonly wanted: "file" | "directory" | "socket"
  readonly uid: number
  /** The lower nine bits. */
  readonly mode: number
  /** Bits that it may have. */
  readonly allowed: number
  /** When it was last written, in milliseconds since 1970. */
  readonly modified: number
  /** `temporary`: made under this name only until it is whole. `aside`: a damaged file that was kept. */
  readonly state: "in place" | "temporary" | "aside"
  /** Whether it can be seen at once that it isn't what it should be. */
  readonly damaged?: boolean
}

export interface SessionFact {
  readonly id: string
  readonly directory: string
  /** Whether `session.json` can be read, and is this session's. */
  readonly known: boolean
  /** Whether there is an `exit.json`, and whether it can be read. */
  readonly exit: "none" | "ended" | "damaged"
  /** Names of temporary files. */
  readonly temporary: ReadonlyArray<string>
  /** Names of files of the log whose other half is missing. */
  readonly torn: ReadonlyArray<string>
}

export interface DaemonFact {
  readonly status: DaemonStatus | null
  /** Why there is no status. */
  readonly problem: string | null
  /** Whether somebody holds the lock of the home, and that of the session-host. */
  readonly locked: boolean
  readonly hostLocked: boolean
  /** The record that it left: whose pid, and whether that process runs. */
  readonly record: { readonly pid: number; readonly alive: boolean } | null
}

export interface SocketFact {
  readonly path: string
  readonly what: string
  /** `answers`: somebody listens. `refused`: the file is there and nobody does. */
  readonly state: "answers" | "refused" | "missing" | "unusable"
  /** Why it is unusable. */
  readonly problem: string | null
  /** Its maker keeps it for later: systemd. */
  readonly kept: boolean
}

export interface InstallationFact {
  readonly version: string
  /** Null when it runs from source. */
  readonly build?: string | null
  readonly node: string
  readonly program: string
  /** Packages that hob needs: as its package wants them, and as they are there; null when missing. */
  readonly packages: ReadonlyArray<{ readonly name: string; readonly wanted: string; readonly found: string | null }>
  /** Why no terminal can be opened; null when it can. */
  readonly terminalProblem: string | null
}

export interface SystemFact {
  /** Of the daemon where one runs, else of this process; null: no limit. */
  readonly openFiles: { readonly limit: number | null; readonly of: "daemon" | "this command" } | null
  /** Processes and threads of this user, and how many there may be. */
  readonly processes: { readonly used: number; readonly limit: number | null } | null
  readonly terminals: { readonly used: number; readonly limit: number } | null
  /** Bytes and files that the home's disk still takes; `totalFiles` 0: it doesn't count them. */
  readonly disk: {
    readonly freeBytes: number
    readonly freeFiles: number
    readonly totalFiles: number
  } | null
  /** Controllers of the control groups below which the session-host may make some for sessions. */
  readonly controllers: ReadonlyArray<string>
  readonly timeZone: { readonly name: string; readonly valid: boolean }
}

export interface ShellFact {
  /** Where `hob` is found on the PATH, resolved; null when it isn't. */
  readonly found: string | null
  /** This installation's own. */
  readonly own: string
  /** The shell that the user logs in with, where hob knows completions for it. */
  readonly name: "bash" | "zsh" | "fish" | null
  /** The completions that are installed for it, and whether they are what this version would write. */
  readonly completions: { readonly path: string; readonly current: boolean } | null
}

export interface ConfigFact {
  readonly mistakes: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  readonly maxSessions: number
  readonly detachKey: string
}
