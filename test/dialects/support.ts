import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

/** A directory of its own, short enough for a socket. */
export const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "hob-d-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const until = async (child: ChildProcess): Promise<ChildProcess> => {
  await once(child, "message")
  return child
}

/** Another process that listens at `path`. */
export const stranger = (path: string, how: "plain" | "relative" = "plain") =>
  Effect.acquireRelease(
    Effect.promise(() => until(fork(join(import.meta.dirname, "children/listen.mjs"), [path, how]))),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Another process that listens at `path` as hob does: under another name, then renamed. */
export const strangerLikeHob = (path: string) =>
  Effect.acquireRelease(
    Effect.promise(() => until(fork(join(import.meta.dirname, "../wire/children/listenAndWait.ts"), [path]))),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Kills it, and waits until it is gone: what it leaves at its path is a stale socket. */
export const kill = (child: ChildProcess) =>
  Effect.promise(async () => {
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
  })
