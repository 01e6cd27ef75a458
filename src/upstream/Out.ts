import { Effect } from "effect"
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
  readonly #begun: (begun: Begun) => void
  #forget: () => void = () => {}
  #id = ""
  #job: number | null = null
  /** What was last heard of the job. */
  #state: string | null = null
  #answer: Answer | undefined
  #answered: ((answer: Answer) => void) | undefined

  private constructor(options: OutOptions, begun: (begun: Begun) => void) {
    this.#options = options
    this.#begun = begun
  }

  /** Writes the request; undefined when nothing was written. `begun` is called once. */
  static send(
    connection: Connection,
    { method, params }: { readonly method: string; readonly params: string },
    options: OutOptions,
    begun: (begun: Begun) => void
  ): Out | undefined {
    const out = new Out(options, begun)
    const sent = connection.send(method, params, (answer) => out.#settle(answer))
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

  /** The answer, which of a job comes when it has ended. */
  get answered(): Effect.Effect<Answer> {
    return Effect.callback((resume) => {
      if (this.#answer !== undefined) return resume(Effect.succeed(this.#answer))
      this.#answered = (answer) => resume(Effect.succeed(answer))
      return Effect.sync(() => void (this.#answered = undefined))
    })
  }

  began(job: number): void {
    this.#job = job
    this.#options.onJob?.(job)
    this.#begun({ type: "job", job })
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

  #settle(answer: Answer): void {
    this.#answer = answer
    if (this.#job === null) this.#begun(answer)
    else this.#answered?.(answer)
  }
}
