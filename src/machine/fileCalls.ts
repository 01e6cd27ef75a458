/** Files, for devices that may: `machine.permissions` with `read` and `write`, in `machine.directories`. */
import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { constants } from "node:fs"
import { type FileHandle, lstat, open, readdir, readlink, rename, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { confine, isInside, realDirectories } from "./confine.ts"
import { CallRefused, type RemoteCall, remoteCall } from "./RemoteCall.ts"

export interface FileCallsOptions {
  readonly directories: ReadonlyArray<string>
  readonly maxBytes: number
}

const MAX_ENTRIES = 10_000
const MAX_DEPTH = 32
const Path = Schema.String.check(Schema.isPattern(/^[^\0]{1,4096}$/))
const Base64 = Schema.String.check(Schema.isBase64())

/** What a device understands as a failure. */
const fileRefused = (reason: string) => ({ success: false, error: reason })

const failing = (error: unknown) =>
  error instanceof CallRefused
    ? error
    : new CallRefused({ reason: error instanceof Error ? error.message : String(error) })
const attempt = <A>(act: () => Promise<A>) => Effect.tryPromise({ try: act, catch: failing })
const refuse = (reason: string): never => {
  throw new CallRefused({ reason })
}

const hashOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex")

/** Opens what was found inside; what has been put in its place since is seen. */
const openInside = async (path: string, { directories }: FileCallsOptions): Promise<FileHandle> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (process.platform === "linux") {
      const opened = await readlink(`/proc/self/fd/${file.fd}`)
      const allowed = await realDirectories(directories)
      if (!allowed.some((directory) => isInside(directory, opened))) refuse("Access denied.")
    }
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

const readInside = async (path: string, options: FileCallsOptions): Promise<Buffer> => {
  const file = await openInside(path, options)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) refuse("It is not a file.")
    if (stat.size > options.maxBytes) refuse(`It has ${stat.size} bytes; at most ${options.maxBytes} are read.`)
    const bytes = Buffer.alloc(options.maxBytes + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length)
      if (bytesRead === 0) break
      length += bytesRead
      if (length > options.maxBytes) refuse(`It has grown beyond ${options.maxBytes} bytes.`)
    }
    return bytes.subarray(0, length)
  } finally {
    await file.close()
  }
}

const write = async (
  path: string,
  content: Buffer,
  expectedHash: string | null | undefined,
  options: FileCallsOptions
): Promise<object> => {
  const before = await readInside(path, options).catch((error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" ? null : Promise.reject(error)
  )
  if (expectedHash === null && before !== null) refuse("File already exists but was expected to be new")
  if (typeof expectedHash === "string") {
    if (before === null) refuse("File does not exist but hash was provided")
    else if (hashOf(before) !== expectedHash.toLowerCase()) refuse("File hash mismatch: it has changed meanwhile")
  }
  const mode = before === null ? 0o666 : (await lstat(path)).mode & 0o777
  const fresh = `${path}.hob-${process.pid}-${hashOf(content).slice(0, 8)}`
  try {
    const file = await open(
      fresh,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      mode
    )
    try {
      await file.writeFile(content)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
  return { success: true, hash: hashOf(content) }
}

interface Entry {
  readonly name: string
  readonly path: string
  readonly type: "file" | "directory" | "other"
  readonly size: number
  readonly modified: number
}

const entryOf = async (path: string): Promise<Entry> => {
  const stat = await lstat(path)
  const type = stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "other"
  return { name: basename(path), path, type, size: stat.size, modified: stat.mtimeMs }
}

const entriesOf = async (path: string): Promise<ReadonlyArray<Entry>> => {
  const names = (await readdir(path)).sort()
  if (names.length > MAX_ENTRIES) refuse(`It has ${names.length} entries; at most ${MAX_ENTRIES} are listed.`)
  const found = await Promise.all(names.map((name) => entryOf(join(path, name)).catch(() => null)))
  return found.filter((entry) => entry !== null)
}

interface Tree extends Entry {
  readonly children?: ReadonlyArray<Tree>
}

const treeOf = async (path: string, depth: number, left: { entries: number }): Promise<Tree> => {
  const entry = await entryOf(path)
  if (--left.entries < 0) refuse(`The tree has more than ${MAX_ENTRIES} entries.`)
  if (entry.type !== "directory" || depth === 0) return entry
  const children: Array<Tree> = []
  for (const child of await entriesOf(path)) children.push(await treeOf(child.path, depth - 1, left))
  return { ...entry, children }
}

export const readCalls = (options: FileCallsOptions): ReadonlyArray<RemoteCall> => [
  remoteCall(
    "readFile",
    Schema.Struct({ path: Path }),
    ({ path }) =>
      Effect.flatMap(confine(options.directories, path), (real) =>
        Effect.map(
          attempt(() => readInside(real, options)),
          (bytes) => ({ success: true, content: bytes.toString("base64") })
        )
      ),
    { refused: fileRefused }
  ),
  remoteCall(
    "listDirectory",
    Schema.Struct({ path: Path }),
    ({ path }) =>
      Effect.flatMap(confine(options.directories, path), (real) =>
        Effect.map(
          attempt(() => entriesOf(real)),
          (entries) => ({ success: true, entries: entries.map(({ path: _path, ...entry }) => entry) })
        )
      ),
    { refused: fileRefused }
  ),
  remoteCall(
    "getDirectoryTree",
    Schema.Struct({ path: Path, maxDepth: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: MAX_DEPTH })) }),
    ({ maxDepth, path }) =>
      Effect.flatMap(confine(options.directories, path), (real) =>
        Effect.map(
          attempt(() => treeOf(real, maxDepth, { entries: MAX_ENTRIES })),
          (tree) => ({ success: true, tree })
        )
      ),
    { refused: fileRefused }
  )
]

export const writeCalls = (options: FileCallsOptions): ReadonlyArray<RemoteCall> => [
  remoteCall(
    "writeFile",
    Schema.Struct({
      path: Path,
      content: Base64,
      expectedHash: Schema.optionalKey(Schema.NullOr(Schema.String.check(Schema.isPattern(/^[0-9a-fA-F]{64}$/))))
    }),
    ({ content, expectedHash, path }) =>
      Effect.gen(function* () {
        const bytes = Buffer.from(content, "base64")
        if (bytes.length > options.maxBytes) {
          return yield* Effect.fail(new CallRefused({ reason: `At most ${options.maxBytes} bytes are written.` }))
        }
        const real = yield* confine(options.directories, path, { isNew: true })
        return yield* attempt(() => write(real, bytes, expectedHash, options))
      }),
    { refused: fileRefused }
  )
]
