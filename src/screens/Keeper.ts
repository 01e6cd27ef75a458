import { join } from "node:path"
import type { Activity } from "../protocol/activity.ts"
import type { SessionId } from "../protocol/ids.ts"
import type { HostSession } from "../protocol/sessionHost.ts"
import type { LeftLine } from "../terminal/leaving.ts"
import { readCheckpoint as readEmulator } from "../terminal/checkpoint.ts"
import type { Sign } from "../terminal/sequences.ts"
import type { Awake, Sleeper } from "./Awake.ts"
import { type CheckpointHead, deleteCheckpoint, readCheckpoint } from "./checkpoint.ts"
import { Emulation, type EmulationOptions, type TextLines } from "./Emulation.ts"
import { Feed, type FeedItem } from "./Feed.ts"
import type { HostConnection, SnapshotReply } from "./HostConnection.ts"
import { historyEnd } from "./history/historyEnd.ts"
import { lineBefore } from "./history/lineBefore.ts"
import { refill } from "./refill.ts"
import type { Turns, Worker } from "./Turns.ts"

/** One turn takes at most this much of a session's output: lines that have gone with it are written before they are many. */
const SLICE_BYTES = 16 * 1024
/** So much is taken before another session may have this one's place among those that are awake. */
const SHARE_BYTES = 1024 * 1024
/** The same for one that never has much, and never nothing. */
const SHARE_MILLIS = 2_000
/** After so much output there is a checkpoint: as much has to be parsed again when this process is killed. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024
/** Without output or questions for so long, a session's emulator is let go of. */
export const SLEEP_MILLIS = 30_000
/** The same once its session has ended, and all is on disk: nothing comes any more that would need it. */
const ENDED_SLEEP_MILLIS = 2_000
/** A session of a host that does not say has a text history of this size at most. */
const DEFAULT_TEXT_BYTES = 256 * 1024 * 1024

export interface KeeperOptions {
  readonly host: HostConnection
  readonly turns: Turns
  readonly awake: Awake
  /** The directory of session directories. */
  readonly directory: string
  readonly log: (message: string) => void
  /** An emulator was let go of. */
  readonly letGo?: () => void
  readonly sleepMillis?: number
  readonly endedSleepMillis?: number
  readonly checkpointBytes?: number
  /** How long an answer waits for output that was printed just before it was asked for. */
  readonly reachMillis?: number
}

/** What a session's terminal does, for those who wait for something. */
export interface KeeperListener {
  /** Output was taken, the size has changed, or the session has closed. */
  readonly changed?: () => void
  readonly gone?: (lines: ReadonlyArray<LeftLine>) => void
  readonly sign?: (sign: Sign) => void
}

/**
 * What is known of one session's terminal: follows its output, keeps its emulator while there is something to do with it,
 * and otherwise has it on disk.
 */
export class Keeper implements Worker, Sleeper {
  readonly id: SessionId
  /** The session's. */
  readonly directory: string
  readonly #options: KeeperOptions
  /** Where output stood when this keeper began: what was printed before has to be had again, a running program or not. */
  readonly printedBefore: number
  readonly #emulationOptions: EmulationOptions
  readonly #listeners = new Set<KeeperListener>()
  #feed: Feed | null = null
  #emulation: Emulation | null = null
  /** Of the checkpoint on disk. */
  #head: CheckpointHead | null
  #size: { readonly cols: number; readonly rows: number }
  #position: number
  /** Where output stood when the checkpoint on disk was written. */
  #saved: number
  /** Something has happened since. */
  #dirty = false
  #complete: boolean
  #live: boolean
  #title: string | null
  #activity: Activity | null
  #usedAt = performance.now()
  #outputAt = performance.now()
  #sleep: NodeJS.Timeout | null = null
  /** Where output stood when it woke, and when that was. */
  #wokenAt = { position: 0, time: 0 }
  /** It is in the middle of something. */
  #busy = false
  /** Those who wait for its output to be taken. */
  #awaited = 0
  #closed = false

  /** `live`: the host holds it. */
  constructor(session: HostSession, live: boolean, options: KeeperOptions) {
    this.id = session.id
    this.#options = options
    this.#live = live && session.exit === null
    this.directory = join(options.directory, session.id)
    this.printedBefore = session.output.end
    this.#emulationOptions = {
      directory: this.directory,
      maxBytes: session.logMaxBytes ?? DEFAULT_TEXT_BYTES,
      listener: {
        reply: (data, offset) => void this.#answer(data, offset),
        sign: (sign) => {
          if (sign.sign === "title") this.#title = sign.text === "" ? null : sign.text
          for (const { sign: tell } of this.#listeners) tell?.(sign)
        },
        gone: (lines) => {
          for (const { gone } of this.#listeners) gone?.(lines)
        }
      }
    }
    const head = (this.#head = this.#storedHead())
    const { cols, rows } = head ?? session
    this.#size = { cols, rows }
    this.#position = this.#saved = head?.offset ?? 0
    this.#complete = head?.complete ?? false
    this.#title = head?.title ?? null
    this.#activity = head?.activity ?? null
    if (!this.#complete) this.#follow()
  }

  /** Output before this has been taken. */
  get position(): number {
    return this.#position
  }

  /** The session has closed, and all of its output has been taken. */
  get complete(): boolean {
    return this.#complete
  }

  /** It is of no use any more: the session's directory is gone, or this process ends. */
  get closed(): boolean {
    return this.#closed
  }

  /** The program runs: it can be asked and answered. */
  get live(): boolean {
    return this.#live && !this.#complete
  }

  get awake(): boolean {
    return this.#emulation !== null
  }

  get title(): string | null {
    return this.#title
  }

  /** What its program is about, as far as anybody has told; kept with the screen. */
  get activity(): Activity | null {
    return this.#activity
  }

  set activity(activity: Activity) {
    this.#activity = activity
    this.#dirty = true
  }

  /** When output came last, by `performance.now()`. */
  get outputAt(): number {
    return this.#outputAt
  }

  /** When it was last of use, by `performance.now()`. */
  get usedAt(): number {
    return this.#usedAt
  }

  listen(listener: KeeperListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The program has ended: nobody waits for answers any more. */
  programEnded(): void {
    this.#live = false
  }

  /** Resolves when output up to `offset` has been taken, or the time is over. */
  reach(offset: number, deadlineMillis: number): Promise<void> {
    if (this.#position >= offset || this.#complete) return Promise.resolve()
    this.#awaited++
    this.#again()
    return new Promise((resolve) => {
      const done = () => {
        this.#awaited--
        clearTimeout(timer)
        unlisten()
        resolve()
      }
      const timer = setTimeout(done, deadlineMillis)
      const unlisten = this.listen({ changed: () => (this.#position >= offset || this.#complete) && done() })
    })
  }

  /** The emulator, woken if it has to be. */
  wake(): Emulation {
    this.#usedAt = performance.now()
    this.#sleepLater()
    if (this.#emulation !== null) return this.#emulation
    this.#options.awake.wakes(this)
    this.#wokenAt = { position: this.#position, time: performance.now() }
    this.#emulation = this.#restore()
    if (this.#emulation !== null) return this.#emulation
    if (this.#head !== null) this.#beginAnew()
    return (this.#emulation = this.#fresh(lineBefore(this.directory, this.#position)))
  }

  /** For an attaching client. */
  snapshot(historyLines: number): SnapshotReply {
    const stored = this.#emulation === null ? this.#storedSnapshot(historyLines) : null
    return stored ?? this.wake().snapshot(historyLines)
  }

  /** The lines that are not in the text history on disk, which has all before them. A sleeping session's are read from its checkpoint. */
  tail(): TextLines {
    if (this.#emulation !== null) {
      this.#emulation.flush()
      return this.#emulation.tail()
    }
    const stored = this.#head === null ? null : this.#stored()
    if (stored !== null) return { from: stored.head.nextLine, lines: stored.tail }
    return this.wake().tail()
  }

  /** The lines of {@link tail}, parted at the screen's top. */
  lines(): ReturnType<Emulation["lines"]> {
    return this.wake().lines()
  }

  /** Takes one piece of output. */
  work(): boolean {
    const feed = this.#feed
    if (feed === null || feed.empty) return false
    if (this.#emulation === null && this.#awaited === 0 && !this.#options.awake.hasRoom(this.#again)) return false
    this.#busy = true
    try {
      return this.#workOn(feed)
    } finally {
      this.#busy = false
    }
  }

  #workOn(feed: Feed): boolean {
    const item = feed.take(SLICE_BYTES)
    if (item === null) return false
    const before = { position: this.#position, size: this.#size }
    this.#take(item)
    this.#usedAt = performance.now()
    // A session that sleeps goes on sleeping when its feed is opened anew, and there is nothing new in it.
    const isNews = item.type !== "opened" || before.position !== this.#position || before.size !== this.#size
    if (isNews) for (const { changed } of this.#listeners) changed?.()
    return this.#feed?.empty === false
  }

  get standing(): Sleeper["standing"] {
    const { position, time } = this.#wokenAt
    const had = this.#position - position >= SHARE_BYTES || performance.now() - time >= SHARE_MILLIS
    return had ? "spent" : this.#feed?.empty === false ? "working" : "idle"
  }

  /** Its emulator goes to disk. Not in the middle of something: the beginning of it would be lost. */
  putToSleep(): boolean {
    const emulation = this.#emulation
    if (emulation === null) return true
    const unfinished = emulation.pendingBytes > 0 && !this.#complete
    if (this.#busy || unfinished || emulation.failure !== null || !this.#save()) return false
    this.#letGo(emulation)
    // The beginning of something whose rest never came is not in the checkpoint.
    if (this.#complete && this.#head !== null) this.#position = this.#head.offset
    return true
  }

  /** Lets go of everything; what is not on disk yet is put there. */
  close({ forget = false }: { readonly forget?: boolean } = {}): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#sleep !== null) clearTimeout(this.#sleep)
    this.#feed?.close()
    this.#options.turns.remove(this)
    if (!forget) this.#save()
    if (this.#emulation !== null) this.#letGo(this.#emulation)
    for (const { changed } of this.#listeners) changed?.()
  }

  #take(item: FeedItem): void {
    switch (item.type) {
      case "opened":
        return this.#opened(item)
      case "bytes":
        this.#outputAt = performance.now()
        return this.#write(item.data)
      case "resized":
        return this.#resize(item)
      case "gap":
        return this.#skipTo(item.to)
      case "end":
        this.#complete = true
        this.#live = false
        this.#feed?.close()
        this.#feed = null
        this.#save()
        this.#sleepAnew()
    }
  }

  #opened(item: Extract<FeedItem, { type: "opened" }>): void {
    // The log has lost its end since then, in a crash of the machine: what is known is of another future.
    if (item.offset < this.#position) return this.#beginAnew()
    this.#skipTo(item.offset)
    this.#resize(item)
  }

  #skipTo(offset: number): void {
    if (offset === this.#position) return
    if (this.#head !== null) this.wake()
    this.#emulation?.skipTo(offset)
    this.#position = offset
    this.#dirty = true
  }

  #write(data: Buffer): void {
    const before = this.#position
    const emulation = this.wake()
    // Begun anew: it comes again.
    if (this.#position !== before) return
    this.#position += data.length
    this.#dirty = true
    try {
      emulation.write(data)
    } catch (error) {
      // A bug met what this program printed. Its screen is begun anew behind that, or it would be met again for ever.
      this.#options.log(`session ${this.id}, output before ${this.#position}: ${stackOf(error)}`)
      emulation.close()
      this.#emulation = this.#fresh(emulation.nextLine)
    }
    if (this.#position - this.#saved >= (this.#options.checkpointBytes ?? CHECKPOINT_BYTES)) this.#save()
  }

  #resize({ cols, rows }: { readonly cols: number; readonly rows: number }): void {
    if (cols === this.#size.cols && rows === this.#size.rows) return
    // Before the first output there is nothing that has a size.
    if (this.#emulation !== null || this.#head !== null) this.wake().resize(cols, rows)
    this.#size = { cols, rows }
    this.#dirty = true
  }

  async #answer(data: string, offset: number): Promise<void> {
    if (!this.live) return
    try {
      const encoded = Buffer.from(data, "latin1").toString("base64")
      await this.#options.host.call({ op: "answer", session: this.id, offset, data: encoded })
    } catch {
      // It has ended meanwhile.
    }
  }

  readonly #again = (): void => {
    if (!this.#closed) this.#options.turns.add(this)
  }

  #follow(): void {
    this.#feed = new Feed(this.#options.host, this.id, this.#position, this.#again)
  }

  /** Null when there is no checkpoint, or it is not what this process has seen. */
  #restore(): Emulation | null {
    const stored = this.#stored()
    if (stored === null || stored.head.offset !== this.#position) return null
    return Emulation.restore(this.#emulationOptions, stored)
  }

  #fresh(nextLine: number): Emulation {
    return Emulation.fresh(this.#emulationOptions, { ...this.#size, offset: this.#position, nextLine })
  }

  /** Null when there is no checkpoint, or the history that goes with it has lost lines: all is had again from the log. */
  #storedHead(): CheckpointHead | null {
    const head = this.#stored()?.head ?? null
    return head !== null && historyEnd(this.directory) >= head.nextLine ? head : null
  }

  #stored() {
    return readCheckpoint(this.directory)
  }

  #storedSnapshot(historyLines: number): SnapshotReply | null {
    const stored = this.#head === null ? null : this.#stored()
    const emulator = stored === null ? undefined : readEmulator(stored.emulator)
    if (stored === null || emulator === undefined || stored.head.historyRows > historyLines) return null
    const { cols, emulated, erasedTo, historyRows, nextLine, offset, rows } = stored.head
    const first = nextLine - emulated
    const partial = first >= erasedTo ? emulator.header.partial : undefined
    const { directory } = this
    const before = refill({ directory, rows, nextLine: first, partial, lines: historyLines - historyRows })
    return { offset, cols, rows, data: Buffer.concat([...before, emulator.snapshot]) }
  }

  /** All that is known is forgotten, and had again from the log. */
  #beginAnew(): void {
    deleteCheckpoint(this.directory)
    this.#goBack()
  }

  /** What has come since the checkpoint is had again. */
  #goBack(): void {
    this.#emulation?.close()
    this.#emulation = null
    this.#feed?.close()
    this.#head = this.#storedHead()
    this.#position = this.#saved = this.#head?.offset ?? 0
    this.#dirty = this.#complete = false
    this.#follow()
  }

  /** False when it could not be written, or there is nothing that isn't. */
  #save(): boolean {
    const emulation = this.#emulation
    if (emulation === null) return this.#complete ? this.#saveSleeping() : false
    if (this.#head !== null && !this.#dirty && this.#head.complete === this.#complete) return true
    this.#saved = this.#position
    try {
      this.#head = emulation.checkpoint({ complete: this.#complete, title: this.#title, activity: this.#activity })
      this.#dirty = false
      return true
    } catch (error) {
      this.#options.log(`session ${this.id}: its checkpoint can't be written: ${(error as Error).message}`)
      return false
    }
  }

  /** The session has closed while it slept: its last lines go to the history now. */
  #saveSleeping(): boolean {
    if (this.#head === null || this.#head.complete) return true
    this.wake()
    return this.#save()
  }

  /** Without use for so long it sleeps. */
  get #restMillis(): number {
    const { endedSleepMillis = ENDED_SLEEP_MILLIS, sleepMillis = SLEEP_MILLIS } = this.#options
    return this.#head?.complete === true ? Math.min(endedSleepMillis, sleepMillis) : sleepMillis
  }

  #sleepLater(): void {
    this.#sleep ??= setTimeout(() => {
      this.#sleep = null
      this.#maybeSleep()
    }, this.#restMillis)
  }

  #sleepAnew(): void {
    if (this.#sleep !== null) clearTimeout(this.#sleep)
    this.#sleep = null
    if (this.#emulation !== null) this.#sleepLater()
  }

  #maybeSleep(): void {
    const emulation = this.#emulation
    if (emulation === null) return
    const quiet = performance.now() - this.#usedAt >= this.#restMillis * 0.9
    const unfinished = emulation.pendingBytes > 0 && !this.#complete
    if (!quiet || this.#feed?.empty === false || unfinished) return this.#sleepLater()
    if (emulation.failure !== null) return this.#goBack()
    if (!this.putToSleep()) this.#sleepLater()
  }

  #letGo(emulation: Emulation): void {
    emulation.close()
    this.#emulation = null
    this.#options.letGo?.()
  }
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
