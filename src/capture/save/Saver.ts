import { Effect, Semaphore } from "effect"
import type { Rpc } from "effect/rpc"
import { lstatSync } from "node:fs"
import { join } from "node:path"
import { findWorkTree, type WorkTree } from "../../config/workTree.ts"
import type { CaptureEntry, CaptureId } from "../../protocol/captureEntries.ts"
import {
  CaptureNotSaved,
  type CaptureSave,
  type ListCaptureSaves,
  type MoveCaptureSaves,
  type SaveCapture
} from "../../protocol/captureSaves.ts"
import type { StorageError, StorageFailed } from "../../protocol/storage.ts"
import type { Database } from "../../storage/Database.ts"
import type { Announcements } from "../announcements.ts"
import type { Ledger, Lookup } from "../Ledger.ts"
import * as rows from "../rows.ts"
import type { Seal } from "../seal.ts"
import { choiceOf } from "./choice.ts"
import { documentOf, type Part } from "./document.ts"
import type { NotWritten } from "./files.ts"
import { markdownOf } from "./markdown.ts"
import { addNote, copyNote } from "./notes.ts"
import { movePart, PROMPTS, writePart } from "./promptFiles.ts"
import * as saveRows from "./saveRows.ts"
import { firstPrompt, isSlug, slugOf } from "./slug.ts"

type Request = Rpc.Payload<typeof SaveCapture>
type Saved = Rpc.Success<typeof SaveCapture>
type Failure = Lookup | CaptureNotSaved | StorageError

/** Work trees that are remembered. Two that write to one at once all the same meet the lock of its index. */
const MOST_TREES = 1000
/** What is read of a capture in one step. */
const STEP_BYTES = 4 * 1024 * 1024

export interface SaverOptions {
  readonly database: Database["Service"]
  readonly ledger: Ledger
  readonly seal: Seal
  readonly announcements: Announcements
  readonly wall: () => number
}

/** Writes captures into their repositories. */
export interface Saver {
  readonly save: (request: Request) => Effect.Effect<Saved, Failure>
  /** Those with something unsaved whose repository takes part, each as it was told: for the end of the daemon. */
  readonly saveAll: Effect.Effect<
    { readonly saved: number; readonly failed: ReadonlyArray<CaptureNotSaved> },
    StorageFailed
  >
  readonly list: (
    which: Rpc.Payload<typeof ListCaptureSaves>
  ) => Effect.Effect<ReadonlyArray<CaptureSave>, Lookup | StorageFailed>
  /** How many were moved. */
  readonly rewrite: (request: Rpc.Payload<typeof MoveCaptureSaves>) => Effect.Effect<number, StorageError>
}

export const makeSaver = ({ announcements, database, ledger, seal, wall }: SaverOptions): Saver => {
  const writing = new Map<string, Semaphore.Semaphore>()
  /** One writer for each work tree. */
  const alone = <A, E>(root: string, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const known = writing.get(root) ?? Semaphore.makeUnsafe(1)
      writing.set(root, known)
      if (writing.size > MOST_TREES) for (const other of writing.keys()) if (other !== root) writing.delete(other)
      return known.withPermits(1)(work)
    })

  const unsaved = (row: rows.Stored): Effect.Effect<ReadonlyArray<CaptureEntry>, StorageFailed> =>
    Effect.gen(function* () {
      const found: Array<CaptureEntry> = []
      for (let after: number | null = row.saved_seq; after !== null;) {
        const from: number = after
        const part = yield* database.read((sql) => rows.entries(sql, row, seal, { after: from, bytes: STEP_BYTES }))
        found.push(...part.entries)
        after = part.next
      }
      return found
    })

  const notSaved = (row: rows.Stored, reason: CaptureNotSaved["reason"], path: string, detail: string) =>
    new CaptureNotSaved({ capture: row.id as CaptureId, reason, path, detail })

  const treeOf = (row: rows.Stored): Effect.Effect<WorkTree, CaptureNotSaved> =>
    Effect.suspend(() => {
      const where = row.repository ?? row.cwd
      if (where === null)
        return Effect.fail(
          notSaved(row, "no-repository", "", "it was begun without a directory, and belongs to no repository.")
        )
      const tree = findWorkTree(where)
      if (tree === "bare") return Effect.fail(notSaved(row, "bare", where, "this repository has no work tree."))
      if (tree === "missing") return Effect.fail(notSaved(row, "gone", where, "it is not there any more."))
      if (tree === "none") {
        const reason = row.repository === null ? "no-repository" : "gone"
        return Effect.fail(notSaved(row, reason, where, "this is no git work tree."))
      }
      // The repository may have been made, or become part of another one, since.
      return row.repository === null || tree.root === row.repository
        ? Effect.succeed(tree)
        : Effect.fail(notSaved(row, "gone", where, `it is a part of ${tree.root} now.`))
    })

  interface Outcome {
    readonly save: CaptureSave
    readonly files: ReadonlyArray<string>
    readonly mended: ReadonlyArray<string>
  }

  /** Null where there is nothing new. */
  const saveOne = (
    given: rows.Stored,
    request: Request
  ): Effect.Effect<Outcome | null, CaptureNotSaved | StorageError> =>
    Effect.gen(function* () {
      const tree = yield* treeOf(given)
      const writeIt = Effect.gen(function* () {
        // What another save has written meanwhile is not written again.
        const row = yield* database.read((sql) => rows.byNumber(sql, given.number))
        if (row === undefined) return null
        const entries = yield* unsaved(row)
        if (!seal.hasKey && entries.some(rows.isUnopened)) {
          const where = row.repository ?? tree.root
          return yield* notSaved(row, "sealed", where, "it is encrypted, and its key can't be had now; see `hob logs`.")
        }
        if (entries.length === 0) {
          if (request.close === true) yield* ledger.close(row)
          return null
        }
        const choice = choiceOf(tree.commonDirectory)
        const wanted = request.destination ?? choice?.destination ?? "prompts"
        // A note belongs to a commit: without one it is written when there is one.
        const destination = wanted === "notes" && request.commit === undefined ? null : wanted
        if (destination === null) return null
        const known = yield* database.read((sql) => saveRows.slugOf(sql, row.id))
        const slug = known !== undefined && isSlug(known) ? known : slugOf(firstPrompt(entries), row.id)
        const part: Part = {
          capture: rows.toCapture(row),
          metadata: rows.metadataOf(row),
          slug,
          entries,
          commit: request.commit ?? null
        }
        const written = yield* write(tree.root, part, destination, request.markdown ?? choice?.markdown ?? false).pipe(
          Effect.mapError(({ message, path, reason }) => notSaved(row, reason, path, message))
        )
        const save: CaptureSave = {
          capture: row.id as CaptureId,
          repository: tree.root,
          destination,
          slug,
          version: written.version,
          file: written.file,
          commit: request.commit ?? null,
          fromSeq: entries[0]!.seq,
          toSeq: entries.at(-1)!.seq,
          messages: entries.filter(({ type }) => type === "message").length,
          codeChanges: entries.filter(({ type }) => type === "codeChange").length,
          savedAt: new Date(wall()).toISOString()
        }
        yield* database.write((sql) => saveRows.record(sql, save, { close: request.close === true }))
        announcements.saved(row, save)
        return { save, files: written.files, mended: written.mended }
      })
      return yield* alone(tree.root, writeIt)
    })

  const write = (root: string, part: Part, destination: CaptureSave["destination"], markdown: boolean) =>
    Effect.gen(function* () {
      if (destination === "notes") {
        const { version } = documentOf(part)
        yield* addNote(root, part.commit!, markdownOf(part))
        return { version, file: null, files: [], mended: [] }
      }
      const { document, file, files, mended } = yield* writePart(root, part, { markdown })
      return { version: document.version, file, files, mended }
    })

  const chosen = (request: Request): Effect.Effect<ReadonlyArray<rows.Stored>, Lookup | StorageFailed> =>
    request.capture !== undefined
      ? Effect.map(ledger.lookup(request.capture), (row) => [row])
      : request.repository === undefined
        ? Effect.succeed([])
        : database.read((sql) => rows.all(sql, { repository: request.repository, unsaved: request.close !== true }))

  const save: Saver["save"] = Effect.fn("Captures.save")(function* (request) {
    const outcomes: Array<Outcome> = []
    let failure: CaptureNotSaved | undefined
    for (const row of yield* chosen(request)) {
      const outcome = yield* saveOne(row, request).pipe(
        Effect.catchTag("CaptureNotSaved", (error) => Effect.sync(() => void (failure ??= error)))
      )
      if (outcome !== undefined && outcome !== null) outcomes.push(outcome)
    }
    const { commit, repository } = request
    if (repository !== undefined && commit !== undefined) {
      const tree = findWorkTree(repository)
      const isInstalled = typeof tree !== "string" && choiceOf(tree.commonDirectory) !== undefined
      if (isInstalled) yield* database.write((sql) => saveRows.adopt(sql, repository, commit))
    }
    const mended = outcomes.flatMap((outcome) => outcome.mended)
    for (const sentence of mended) yield* Effect.logWarning(sentence)
    if (failure !== undefined) {
      // git's hooks have nobody to tell it to.
      if (commit !== undefined) yield* Effect.logWarning(failure.message)
      return yield* failure
    }
    return {
      saves: outcomes.map((outcome) => outcome.save),
      files: [...new Set(outcomes.flatMap((outcome) => outcome.files))],
      mended
    }
  })

  const saveAll: Saver["saveAll"] = Effect.gen(function* () {
    const failed: Array<CaptureNotSaved> = []
    let saved = 0
    for (const row of yield* database.read((sql) => rows.all(sql, { unsaved: true }))) {
      if (row.repository === null) continue
      const tree = findWorkTree(row.repository)
      if (typeof tree === "string" || !takesPart(tree)) continue
      const outcome = yield* Effect.result(saveOne(row, {}))
      if (outcome._tag === "Success") saved += Number(outcome.success !== null)
      else if (outcome.failure._tag === "CaptureNotSaved") failed.push(outcome.failure)
    }
    return { saved, failed }
  })

  const list: Saver["list"] = Effect.fn("Captures.saves")(function* ({ capture, limit = 100, ...which }) {
    const row = capture === undefined ? undefined : yield* ledger.lookup(capture)
    return yield* database.read((sql) => saveRows.list(sql, { ...which, capture: row?.id, limit }))
  })

  const rewrite: Saver["rewrite"] = Effect.fn("Captures.rewrite")(function* ({ commits, repository }) {
    let moved = 0
    for (const { from, to } of commits) {
      if (from === to) continue
      const found = yield* database.read((sql) => saveRows.ofCommit(sql, from))
      for (const { number, save } of found) {
        if (!sharesCommits(save.repository, repository)) continue
        yield* alone(save.repository, moveFiles(save, from, to)).pipe(
          Effect.catch((error) =>
            Effect.logWarning(
              `${error.path}: what was saved for ${from} belongs to ${to} now, and could not be marked so: ${error.message}`
            )
          )
        )
        yield* database.write((sql) => saveRows.setCommit(sql, number, to))
        moved++
      }
    }
    return moved
  })

  const moveFiles = (
    { destination, file, repository, slug, version }: CaptureSave,
    from: string,
    to: string
  ): Effect.Effect<void, NotWritten> =>
    destination === "notes"
      ? copyNote(repository, from, to)
      : file === null
        ? Effect.void
        : movePart(repository, { file, slug, version }, from, to)

  return { save, saveAll, list, rewrite }
}

/** Whether captures are saved there without anybody asking. */
const takesPart = ({ commonDirectory, root }: WorkTree): boolean =>
  choiceOf(commonDirectory) !== undefined ||
  lstatSync(join(root, PROMPTS), { throwIfNoEntry: false })?.isDirectory() === true

/** Work trees of one repository. */
const sharesCommits = (one: string, other: string): boolean => {
  if (one === other) return true
  const [a, b] = [findWorkTree(one), findWorkTree(other)]
  return typeof a !== "string" && typeof b !== "string" && a.commonDirectory === b.commonDirectory
}
