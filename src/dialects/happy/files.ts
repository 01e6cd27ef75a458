/** The files by which clients find the daemon. All of them are ours alone to read, where the original's are everybody's. */
import { accessSync, appendFileSync, constants, readFileSync, realpathSync, rmSync, statSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { Option, Schema } from "effect"
import { makeDirectorySync } from "../../config/makeDirectory.ts"
import type { happyPaths } from "../../config/dialectPaths.ts"
import { replaceFile } from "../../config/replaceFile.ts"
import { HAPPY_VERSION } from "../../machine/facts.ts"

export type HappyPaths = ReturnType<typeof happyPaths>
type Environment = Readonly<Record<string, string | undefined>>

/** What the files say. `pid` is that of a process that waits for nothing else: clients end it. */
export interface DaemonFile {
  readonly pid: number
  readonly httpPort: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly heartbeatAt?: number
  readonly version: string
  readonly log: string
}

const Package = Schema.fromJsonString(Schema.Struct({ name: Schema.String, version: Schema.String }))
const decodePackage = Schema.decodeUnknownOption(Package)

const packageVersion = (directory: string): string | undefined => {
  try {
    const found = decodePackage(readFileSync(join(directory, "package.json"), "utf8"))
    return Option.isSome(found) && /^happy(?:-coder|-cli)?$/.test(found.value.name) ? found.value.version : undefined
  } catch {
    return undefined
  }
}

/**
 * The version of happy that is installed. Its command ends a daemon of any other version, and starts its own: what is
 * written is what it looks for.
 */
export const installedVersion = (env: Environment): string => {
  for (const directory of (env["PATH"] ?? "").split(delimiter).filter(Boolean)) {
    const file = join(directory, "happy")
    try {
      accessSync(file, constants.X_OK)
      const program = realpathSync(file)
      const found = packageVersion(dirname(dirname(program))) ?? packageVersion(dirname(program))
      if (found !== undefined) return found
    } catch {
      // Not in this directory.
    }
  }
  return HAPPY_VERSION
}

/** As its clients read and print it. */
const localTime = (millis: number): string => new Date(millis).toLocaleString("en-US")

export const stateText = (file: DaemonFile): string =>
  JSON.stringify(
    {
      pid: file.pid,
      httpPort: file.httpPort,
      startTime: localTime(file.startedAt),
      startedWithCliVersion: file.version,
      ...(file.heartbeatAt === undefined ? {} : { lastHeartbeat: localTime(file.heartbeatAt) }),
      daemonLogPath: file.log
    },
    null,
    2
  )

const metadataText = ({ httpPort, pid, startedAt, version }: DaemonFile): string =>
  JSON.stringify({ pid, httpPort, startTime: new Date(startedAt).toISOString(), version }, null, 2)

export const writeDaemonFiles = (paths: HappyPaths, file: DaemonFile): void => {
  makeDirectorySync(paths.home, 0o700)
  replaceFile(paths.metadata, metadataText(file), 0o600)
  replaceFile(paths.state, stateText(file), 0o600)
}

const Named = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int }))
const decodeNamed = Schema.decodeUnknownOption(Named)

/** The process that a file names as the daemon; undefined where there is none. */
export const pidIn = (path: string): number | undefined => {
  try {
    return Option.getOrUndefined(Option.map(decodeNamed(readFileSync(path, "utf8")), ({ pid }) => pid))
  } catch {
    return undefined
  }
}

/** Only those that still name us: another daemon's are its own. */
export const removeDaemonFiles = (paths: HappyPaths, pid: number): void => {
  for (const path of [paths.state, paths.metadata]) if (pidIn(path) === pid) rmSync(path, { force: true })
}

const MAX_LOG_BYTES = 1024 * 1024

/** `2026-11-21-00-40-25`, in local time. */
const stamp = (at: Date): string =>
  [
    at.getFullYear(),
    ...[at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()].map((part) =>
      String(part).padStart(2, "0")
    )
  ].join("-")

/** A line of the dialect's own log. What is asked stands in it, and never what it is asked with. */
export const makeLog = (paths: HappyPaths, pid: number, at: number) => {
  const path = paths.log(stamp(new Date(at)), pid)
  return {
    path,
    write: (line: string): void => {
      try {
        makeDirectorySync(paths.logs, 0o700)
        if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) return
        appendFileSync(path, `[${new Date().toISOString()}] ${line}\n`, { mode: 0o600 })
      } catch {
        // It is for people who look; nothing depends on it.
      }
    }
  }
}
