import { Result } from "effect"
import type { Settings } from "../config/settings.ts"
import {
  type RestartPolicy,
  type SessionId,
  type SessionLimits,
  SessionNameTaken,
  SpawnFailed
} from "../protocol/index.ts"
import type { SessionFile } from "../protocol/sessionHost.ts"
import { type Entry, isOpen } from "./entry.ts"

/** What `sessions.run` is asked for. */
export interface RunOptions {
  /** Given by who has to know it before the session begins. */
  readonly id?: SessionId
  readonly name?: string
  readonly tags?: ReadonlyArray<string>
  readonly command?: ReadonlyArray<string>
  readonly cwd?: string
  /** The caller's whole environment; without it the session gets a login environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Variables that go before all others. */
  readonly extraEnv?: Readonly<Record<string, string>>
  readonly kind?: "pty" | "pipe"
  readonly cols?: number
  readonly rows?: number
  readonly limits?: SessionLimits
  readonly restart?: RestartPolicy
  readonly restartMax?: number
}

/** May this session start, and as what? Whether its command can be executed is for the host to see. */
export const decideStart = (
  entries: Iterable<Entry>,
  options: RunOptions,
  given: {
    readonly id: SessionId
    readonly createdAt: string
    readonly settings: Settings["sessions"]
    readonly user: { readonly home: string; readonly shell: string }
  }
): Result.Result<SessionFile, SpawnFailed | SessionNameTaken> => {
  const command = options.command ?? [given.settings.shell ?? given.user.shell]
  if (command[0] === undefined || command[0] === "") {
    const detail = "The command is empty. Give a program to run, or nothing at all for your shell."
    return Result.fail(new SpawnFailed({ reason: "empty-command", subject: "", detail }))
  }
  const open = Array.from(entries).filter((entry) => isOpen(entry))
  const { maxCount } = given.settings
  if (open.length >= maxCount) {
    const detail = `${open.length} sessions are running and the limit is ${maxCount} (sessions.maxCount). End some with \`hob kill\`.`
    return Result.fail(new SpawnFailed({ reason: "too-many-sessions", subject: String(maxCount), detail }))
  }
  const name = options.name ?? null
  const holder = name === null ? undefined : open.find(({ file }) => file.name === name)
  if (name !== null && holder !== undefined) {
    return Result.fail(new SessionNameTaken({ name, id: holder.file.id }))
  }
  return Result.succeed({
    id: given.id,
    name,
    tags: options.tags ?? [],
    command,
    cwd: options.cwd ?? given.user.home,
    kind: options.kind ?? "pty",
    cols: options.cols ?? 80,
    rows: options.rows ?? 24,
    createdAt: given.createdAt,
    ...(Object.keys(options.limits ?? {}).length === 0 ? {} : { limits: options.limits! }),
    ...(options.restart === undefined || options.restart === "no"
      ? {}
      : {
          restart: { policy: options.restart, max: options.restartMax ?? given.settings.restartMaxCount, count: 0 }
        })
  })
}
