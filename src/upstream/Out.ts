import { Deferred, Effect } from "effect"
import type { JobProgress } from "../protocol/upstream.ts"
import type { Connection } from "./Connection.ts"
import type { Follower, Followers } from "./jobs.ts"
import type { Answer } from "./Requests.ts"

/** What a request has come to at first: its answer, or that it is a job, whose answer comes when that has ended. */
export type Begun = Answer | { readonly type: "job"; readonly job: number }

export interface OutOptions {
  readonly followers: Followers
  readonly onJob: ((job: number) => void) | undefined
  readonly onProgress: ((progress: JobProgress) => void) | undefined
}

/** A call that is out: its request, and the job that it may turn out to be. */
export class Out implements Follower {
  readonly #options: OutOptions
  readonly #begun = Deferred.makeUnsafe<Begun>()
  readonly #answered = Deferred.makeUnsafe<Answer>()
  #forget: () => void = () => {}
  #id = ""
  #job: number | null = null
  /** What was last heard of the job. */
  #state: string | null = null

  constructor(options: OutOptions) {
    this.#options = options
  }

  /** Writes the request; undefined when nothing was written. */
  static send(connection: Connection, method: string, params: string, options: OutOptions): Out | undefined {
    const out = new Out(options)
    const sent = connection.send(method, params, (answer) => out.#answer(answer))
    if (sent === undefined) return undefined
    out.#id = sent.id
    out.#forget = sent.forget
    options.followers.expect(sent.id, out)
    return out
  }

  get job(): number | null {
    return this.#job
  }

  get state(): string | null {
    return this.#state
  }

  get begun(): Effect.Effect<Begun> {
    return Deferred.await(this.#begun)
  }

  get answered(): Effect.Effect<Answer> {
    return Deferred.await(this.#answered)
  }

  began(job: number): void {
    this.#job = job
    this.#options.onJob?.(job)
    Deferred.doneUnsafe(this.#begun, Effect.succeed({ type: "job", job }))
  }

  progress(progress: JobProgress): void {
    this.#state = progress.state
    this.#options.onProgress?.(progress)
  }

  /** From now on nobody hears anything of it. */
  leave(): void {
    this.#forget()
    this.#options.followers.leave(this.#id, this.#job, this)
  }

  #answer(answer: Answer): void {
    Deferred.doneUnsafe(this.#begun, Effect.succeed(answer))
    Deferred.doneUnsafe(this.#answered, Effect.succeed(answer))
  }
}
