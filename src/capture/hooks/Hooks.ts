import { Deferred, Effect } from "effect"
import type { Rpc } from "effect/rpc"
import { isAbsolute, resolve } from "node:path"
import { findWorkTree } from "../../config/workTree.ts"
import type { AddCodeChange, CaptureAdded, PathOutsideRepository } from "../../protocol/capture.ts"
import type { CaptureId, TooManyCaptures } from "../../protocol/captureEntries.ts"
import type { HookCall } from "../../protocol/captureHooks.ts"
import type { StorageError, StorageFailed } from "../../protocol/storage.ts"
import type { Database } from "../../storage/Database.ts"
import type { AddMessageOf, Ledger, Origin, Refused } from "../Ledger.ts"
import type { Masks } from "../Masks.ts"
import * as rows from "../rows.ts"
import type { HookEntry, HookEvent } from "./event.ts"
import { translate } from "./translate.ts"

export interface HooksOptions {
  readonly database: Database["Service"]
  readonly ledger: Ledger
  readonly masks: Masks
  readonly addMessage: AddMessageOf
  readonly addCodeChange: (
    request: Rpc.Payload<typeof AddCodeChange> & Origin
  ) => Effect.Effect<CaptureAdded, Refused | PathOutsideRepository>
  readonly isEnabled: () => boolean
  /** Why nothing may be written down; null when it may. */
  readonly problem: () => StorageFailed | null
  readonly monotonic: () => number
}

export interface Told {
  readonly capture: CaptureId | null
  readonly entries: number
}

/** What an agent's name for its session may be long. */
const SESSION_UNITS = 256
/** Calls that are known when what a hook has left of them, as it did not wait for the answer, comes too. */
const KNOWN_CALLS = 1024

/** Writes down what agents' hooks say. What is told twice is there once. */
export const makeHooks = (options: HooksOptions) => {
  const { addCodeChange, addMessage, database, isEnabled, ledger, masks, monotonic } = options
  const add = (row: rows.Stored, entry: HookEntry, key: string, cwd: string | null, at: string | undefined) =>
    Effect.gen(function* () {
      const origin = { key: entry.key ?? key, at }
      if (entry.type === "message") {
        const { content, role } = entry
        yield* Effect.callback<CaptureAdded, Refused>((resume) =>
          addMessage(row.id, { role, content, ...origin }, resume)
        )
        return
      }
      const { key: _, type: __, ...change } = entry
      const path = isAbsolute(change.path) || cwd === null ? change.path : resolve(cwd, change.path)
      yield* addCodeChange({ capture: row.id, ...change, path, ...origin })
    }).pipe(
      // A file that is elsewhere has been counted; a capture that is forgotten meanwhile was meant to be.
      Effect.catchTags({
        PathOutsideRepository: () => Effect.void,
        CaptureNotFound: () => Effect.void,
        CaptureAmbiguous: () => Effect.void,
        CaptureDisabled: () => Effect.void
      })
    )

  const begin = (event: HookEvent, call: HookCall, cwd: string | null) =>
    Effect.gen(function* () {
      const tree = cwd === null ? "none" : findWorkTree(cwd)
      const { branch, root } = typeof tree === "string" ? { root: null, branch: null } : tree
      const agentSession = event.agentSession.toWellFormed().slice(0, SESSION_UNITS)
      if (event.ends === true && event.entries.length === 0) {
        return yield* database.read((sql) =>
          rows.byAgentSession(sql, { tool: event.tool, agentSession, repository: root })
        )
      }
      return yield* ledger.begin({
        tool: event.tool,
        agentSession,
        session: call.session,
        cwd,
        repository: root,
        branch,
        metadata: masks.metadata(event.metadata ?? {}, root, monotonic()),
        at: call.at
      })
    })

  const take = Effect.fn("Captures.hook")(function* (
    call: HookCall
  ): Effect.fn.Return<Told, TooManyCaptures | StorageError> {
    const event = isEnabled() ? translate(call.agent, call.event) : null
    if (event === null) return { capture: null, entries: 0 }
    const problem = options.problem()
    if (problem !== null) return yield* problem
    yield* masks.load
    const cwd =
      event.cwd !== null && isAbsolute(event.cwd) && !event.cwd.includes("\0") ? event.cwd.toWellFormed() : null
    const row = yield* begin(event, call, cwd)
    if (row === undefined) return { capture: null, entries: 0 }
    for (const [index, entry] of event.entries.entries()) {
      yield* add(row, entry, `hook:${call.id}:${index}`, cwd, call.at)
    }
    if (event.ends === true) yield* end(row)
    return { capture: row.id as CaptureId, entries: event.entries.length }
  })

  const known = new Map<string, Deferred.Deferred<Told, TooManyCaptures | StorageError>>()

  return {
    /** A call, as it comes. Who asked may be gone: it is taken all the same, and whoever waits for it has its answer. */
    take: (call: HookCall): Effect.Effect<Told, TooManyCaptures | StorageError> =>
      Effect.uninterruptible(
        Effect.suspend(() => {
          const answer = Deferred.makeUnsafe<Told, TooManyCaptures | StorageError>()
          known.set(call.id, answer)
          const [oldest] = known.keys()
          if (known.size > KNOWN_CALLS) known.delete(oldest!)
          return Effect.onExit(take(call), (exit) =>
            Effect.sync(() => {
              // It was not taken, or not all of it: what was left of it counts.
              if (exit._tag === "Failure" && known.get(call.id) === answer) known.delete(call.id)
              Deferred.doneUnsafe(answer, exit)
            })
          )
        })
      ),
    /**
     * What a hook has left that was not answered in time. Its call may have been taken all the same, or be just taken; it
     * could not be told by its texts, for what is left has no secrets in it.
     */
    takeLeft: (call: HookCall): Effect.Effect<Told, TooManyCaptures | StorageError> =>
      Effect.suspend(() => {
        const before = known.get(call.id)
        return before === undefined ? take(call) : Deferred.await(before)
      })
  }

  /** One in which nothing was said is forgotten. */
  function end(row: rows.Stored): Effect.Effect<void, StorageError> {
    return row.last_seq > 0 ? ledger.close(row) : database.write((sql) => rows.remove(sql, row.number))
  }
}
