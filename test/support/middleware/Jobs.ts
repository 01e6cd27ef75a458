import { callError, RpcError } from "./errors.ts"

export type JobState = "WAITING" | "RUNNING" | "SUCCESS" | "FAILED" | "ABORTED"

/** What runs for longer than a call: it tells of itself, can be aborted, and goes on when who began it is gone. */
export class Job {
  readonly id: number
  readonly method: string
  readonly args: ReadonlyArray<unknown>
  readonly transient: boolean
  /** The ids of the requests that wait for it: more than one where calls share it. */
  readonly messageIds: Array<string> = []
  readonly aborted = new AbortController()
  readonly ended: Promise<void>
  state: JobState = "WAITING"
  progress: { percent: number | null; description: string | null; extra: null } = {
    percent: 0,
    description: "",
    extra: null
  }
  /** JSON text. */
  result = "null"
  failure: RpcError | null = null
  end!: () => void
  readonly #started = Date.now()
  #finished: number | null = null

  constructor(id: number, method: string, args: ReadonlyArray<unknown>, transient: boolean) {
    this.id = id
    this.method = method
    this.args = args
    this.transient = transient
    this.ended = new Promise((resolve) => (this.end = resolve))
  }

  get isOver(): boolean {
    return this.state === "SUCCESS" || this.state === "FAILED" || this.state === "ABORTED"
  }

  finish(state: JobState): void {
    this.state = state
    this.#finished = Date.now()
  }

  /** As events and `core.get_jobs` show it. */
  get fields() {
    const { args, failure, id, messageIds, method, progress, state, transient } = this
    const data = failure?.data as
      | { reason: string; errname: string; trace: { formatted: string; repr: string } }
      | undefined
    return {
      id,
      message_ids: [...messageIds],
      method,
      arguments: args,
      transient,
      description: null,
      abortable: true,
      logs_path: null,
      logs_excerpt: null,
      progress: { ...progress },
      result: state === "SUCCESS" ? (JSON.parse(this.result) as unknown) : null,
      result_encoding_error: null,
      error: data?.reason ?? null,
      exception: data?.trace.formatted ?? null,
      exc_info: data === undefined ? null : { repr: data.trace.repr, type: "CallError", errno: 14, extra: null },
      state,
      time_started: { $date: this.#started },
      time_finished: this.#finished === null ? null : { $date: this.#finished },
      credentials: { type: "LOGIN_PASSWORD", data: { username: "admin" } }
    }
  }
}

export interface JobRequest {
  readonly method: string
  readonly args: ReadonlyArray<unknown>
  /** The id of the request that asks for it. */
  readonly messageId: string
  /** Of such jobs nobody is told. */
  readonly transient?: boolean
  /** Calls with the same key have one job between them while it isn't over. */
  readonly shareKey?: string
  /** The last event comes behind the answer instead of before it. */
  readonly lateEvent?: boolean
  readonly run: (job: Job) => Promise<string>
}

/** Every job of the stand-in. `announce` is called with each news of one. */
export class Jobs {
  readonly all = new Map<number, Job>()
  readonly #shared = new Map<string, Job>()
  readonly #announce: (kind: "added" | "changed", job: Job) => void
  #last = 0

  constructor(announce: (kind: "added" | "changed", job: Job) => void) {
    this.#announce = announce
  }

  start({ args, lateEvent = false, messageId, method, run, shareKey, transient = false }: JobRequest): Job {
    const shared = shareKey === undefined ? undefined : this.#shared.get(shareKey)
    if (shared !== undefined) {
      shared.messageIds.push(messageId)
      this.tell(shared)
      return shared
    }
    const job = new Job(++this.#last, method, args, transient)
    job.messageIds.push(messageId)
    this.all.set(job.id, job)
    if (shareKey !== undefined) this.#shared.set(shareKey, job)
    this.tell(job, "added")
    void this.#run(job, run, lateEvent).then(() => shareKey !== undefined && this.#shared.delete(shareKey))
    return job
  }

  setProgress(job: Job, percent: number | null, description: string | null): void {
    job.progress = { percent, description, extra: null }
    this.tell(job)
  }

  tell(job: Job, kind: "added" | "changed" = "changed"): void {
    if (!job.transient) this.#announce(kind, job)
  }

  /** Waits for its end: what it gave, `null` for one that was aborted; throws what it failed with. */
  async outcome(job: Job): Promise<string> {
    await job.ended
    if (job.failure !== null) throw job.failure
    return job.result
  }

  abort(id: number): void {
    const job = this.all.get(id)
    if (job === undefined) throw callError(`Job ${id} does not exist`, "ENOENT")
    job.aborted.abort()
  }

  async #run(job: Job, run: (job: Job) => Promise<string>, lateEvent: boolean): Promise<void> {
    job.state = "RUNNING"
    this.tell(job)
    try {
      const result = await run(job)
      const isAborted = job.aborted.signal.aborted
      if (!isAborted) job.result = result
      job.finish(isAborted ? "ABORTED" : "SUCCESS")
    } catch (error) {
      if (!job.aborted.signal.aborted) {
        job.failure = error instanceof RpcError ? error : callError(String(error))
      }
      job.finish(job.failure === null ? "ABORTED" : "FAILED")
    }
    if (!lateEvent) return (this.tell(job), job.end())
    job.end()
    setImmediate(() => setImmediate(() => this.tell(job)))
  }
}
