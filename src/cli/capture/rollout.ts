/** What Codex has written down of a turn: the files that it changed, which its notification does not tell. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs"
import { join } from "node:path"
import { transcriptDirectory } from "../../config/agentPaths.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** What a turn's record may be behind the notification of its end. */
const WITHIN_MILLIS = 1000
const PAUSE_MILLIS = 50
/** Of a longer one the end is read. */
const MOST_BYTES = 32 * 1024 * 1024
const DAY_MILLIS = 24 * 3600 * 1000

export interface FileChange {
  readonly id: string
  readonly changes: unknown
}

/** A thread's id has the time of its beginning in its first 48 bits. */
const begunAt = (thread: string): number => Number.parseInt(thread.replaceAll("-", "").slice(0, 12), 16)

/** The file of a thread, in the directory of the day that it began, wherever that was. */
const rolloutOf = (thread: string, env: Environment): string | null => {
  const sessions = transcriptDirectory("codex", env)!
  for (const days of [0, -1, 1]) {
    const day = new Date(begunAt(thread) + days * DAY_MILLIS)
    if (Number.isNaN(day.getTime())) return null
    const directory = join(sessions, ...day.toISOString().slice(0, 10).split("-"))
    try {
      const name = readdirSync(directory).find((each) => each.endsWith(`-${thread}.jsonl`))
      if (name !== undefined) return join(directory, name)
    } catch {
      // Another day, or none.
    }
  }
  return null
}

const endOf = (path: string): string => {
  const fd = openSync(path, "r")
  try {
    const { size } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.min(size, MOST_BYTES))
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, size - bytes.length))
  } finally {
    closeSync(fd)
  }
}

/** What of a turn is written down. */
export interface TurnRecord {
  readonly changes: ReadonlyArray<FileChange>
  /** Its thread is its user's, not one that Codex began by itself, such as a subagent's. */
  readonly isOfUser: boolean
}

interface Read extends TurnRecord {
  readonly isWhole: boolean
}

const HEAD_BYTES = 8192

const sourceOf = (path: string): string => {
  const fd = openSync(path, "r")
  try {
    const bytes = Buffer.alloc(HEAD_BYTES)
    const head = bytes.toString("utf8", 0, readSync(fd, bytes, 0, HEAD_BYTES, 0))
    return /^[^\n]*?"thread_source":\s*"([^"]*)"/.exec(head)?.[1] ?? "user"
  } finally {
    closeSync(fd)
  }
}

const read = (path: string, turn: string): Read => {
  const changes: Array<FileChange> = []
  let isWhole = false
  for (const line of endOf(path).split("\n")) {
    if (!line.includes(turn) || !/"FileChange"|"task_complete"/.test(line)) continue
    try {
      const { payload } = JSON.parse(line) as { payload?: { type?: unknown; turn_id?: unknown; item?: any } }
      if (payload?.turn_id !== turn) continue
      if (payload.type === "task_complete") isWhole = true
      const { changes: files = {}, id, status, type } = payload.item ?? {}
      const isChange = type === "FileChange" && status === "completed" && typeof id === "string"
      if (isChange && Object.keys(files).length > 0) changes.push({ id, changes: files })
    } catch {
      // Cut off, or of another version.
    }
  }
  return { changes, isWhole, isOfUser: sourceOf(path) === "user" }
}

/** What a thread has written down of a turn; null where there is nothing. Waits a little for its record. */
export const recordOfTurn = async (thread: unknown, turn: unknown, env: Environment): Promise<TurnRecord | null> => {
  if (typeof thread !== "string" || typeof turn !== "string") return null
  if (!/^[0-9a-f-]{12,64}$/i.test(thread) || turn === "") return null
  try {
    for (const end = Date.now() + WITHIN_MILLIS; ; await new Promise((again) => setTimeout(again, PAUSE_MILLIS))) {
      const path = rolloutOf(thread, env)
      const found = path === null ? null : read(path, turn)
      if (found?.isWhole !== true && Date.now() < end) continue
      return found === null ? null : { changes: found.changes, isOfUser: found.isOfUser }
    }
  } catch {
    return null
  }
}
