/** The machine's id: made when it is first needed, and kept in `settings.json`, in the other program's format. */
import { Effect, Schema } from "effect"
import { randomUUID } from "node:crypto"
import { closeSync, constants, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { makeDirectorySync } from "../config/makeDirectory.ts"
import { replaceFile } from "../config/replaceFile.ts"
import { MachineFileFailed } from "../protocol/machine.ts"

const MachineId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,128}$/))
const isMachineId = Schema.is(MachineId)

/** As the other program waits for it. */
const LOCK_ATTEMPTS = 50
const LOCK_PAUSE = "100 millis"
const LOCK_STALE_MILLIS = 10_000

type Settings = Readonly<Record<string, unknown>>

const fileFailed = (file: string) => (error: unknown) =>
  new MachineFileFailed({ file, detail: error instanceof Error ? error.message : String(error) })

/** Empty where there is none. Throws where it can't be read, or is no JSON: then it is not ours to replace. */
const readSettings = (path: string): Settings => {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {}
    throw error
  }
  const value: unknown = JSON.parse(text)
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("is not a JSON object")
  return value as Settings
}

export const machineIdIn = (path: string): string | undefined => {
  try {
    const { machineId } = readSettings(path)
    return isMachineId(machineId) ? machineId : undefined
  } catch {
    return undefined
  }
}

/** Changes `settings.json` while nobody else does, and leaves what it does not know as it is. */
export const changeSettings = (
  path: string,
  change: (settings: Settings) => Settings
): Effect.Effect<void, MachineFileFailed> =>
  Effect.gen(function* () {
    yield* Effect.try({ try: () => makeDirectorySync(dirname(path), 0o700), catch: fileFailed(path) })
    yield* Effect.acquireUseRelease(
      takeLock(`${path}.lock`),
      () =>
        Effect.try({
          try: () => {
            const before = readSettings(path)
            const after = change(before)
            if (JSON.stringify(after) !== JSON.stringify(before)) {
              replaceFile(path, `${JSON.stringify(after, null, 2)}\n`, 0o600)
            }
          },
          catch: fileFailed(path)
        }),
      () => Effect.sync(() => rmSync(`${path}.lock`, { force: true }))
    )
  })

const takeLock = (lock: string): Effect.Effect<void, MachineFileFailed> =>
  Effect.gen(function* () {
    for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
      if (yield* Effect.try({ try: () => tryLock(lock), catch: fileFailed(lock) })) return
      yield* Effect.sleep(LOCK_PAUSE)
    }
    return yield* new MachineFileFailed({ file: lock, detail: "another program holds it. Remove it if none runs." })
  })

const tryLock = (lock: string): boolean => {
  try {
    const fd = openSync(lock, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    writeSync(fd, String(process.pid))
    closeSync(fd)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
  const stat = statSync(lock, { throwIfNoEntry: false })
  if (stat !== undefined && Date.now() - stat.mtimeMs > LOCK_STALE_MILLIS) rmSync(lock, { force: true })
  return false
}

/** The id; made if there is none. `given`: the one that it becomes then. */
export const ensureMachineId = (path: string, given?: string): Effect.Effect<string, MachineFileFailed> =>
  Effect.gen(function* () {
    const known = machineIdIn(path)
    if (known !== undefined) return known
    let made = given ?? randomUUID()
    yield* changeSettings(path, (settings) => {
      if (isMachineId(settings["machineId"])) {
        made = settings["machineId"]
        return settings
      }
      return { schemaVersion: 2, onboardingCompleted: false, ...settings, machineId: made }
    })
    return made
  })

/** The next one is another machine. */
export const forgetMachineId = (path: string): Effect.Effect<void, MachineFileFailed> =>
  changeSettings(path, ({ machineId: _machineId, ...settings }) => settings)
