import { Effect } from "effect"
import { PromptRefused, type Question, UnknownPrompt } from "../protocol/methods.ts"
import type { Ask } from "./Upstreams.ts"

interface Open {
  readonly client: number
  readonly settle: (effect: Effect.Effect<unknown, PromptRefused>) => void
}

/** A client that can be asked, for as long as it waits for something. */
export interface Asker {
  readonly ask: Ask
  /** It waits no more: whoever waits for its answer hears that there will be none. */
  readonly end: Effect.Effect<void>
}

/** Questions that wait for their answer. Each is answered on the connection that it was asked on, or not at all. */
export class Prompts {
  readonly #open = new Map<string, Open>()
  #last = 0

  /** `tell` asks it; false from it: the client can't be told. */
  asker(client: number, tell: (prompt: string, question: Question) => boolean): Asker {
    const asked = new Set<string>()
    const ask: Ask = (question) =>
      Effect.callback((resume) => {
        const prompt = String(++this.#last)
        asked.add(prompt)
        this.#open.set(prompt, { client, settle: resume })
        if (!tell(prompt, question)) this.#refuse(prompt, "Whoever was asked reads too slowly.")
        return Effect.sync(() => void this.#open.delete(prompt))
      })
    const end = Effect.sync(() => {
      for (const prompt of asked) this.#refuse(prompt, "Whoever was asked has left.")
    })
    return { ask, end }
  }

  answer(
    client: number,
    {
      prompt,
      reason,
      value
    }: { readonly prompt: string; readonly value?: unknown; readonly reason?: string | undefined }
  ): Effect.Effect<{ readonly answered: boolean }, UnknownPrompt> {
    const open = this.#open.get(prompt)
    if (open === undefined || open.client !== client) return Effect.fail(new UnknownPrompt({ prompt }))
    this.#open.delete(prompt)
    open.settle(
      value === undefined
        ? Effect.fail(new PromptRefused({ reason: reason ?? "The question was not answered." }))
        : Effect.succeed(value)
    )
    return Effect.succeed({ answered: true })
  }

  #refuse(prompt: string, reason: string): void {
    const open = this.#open.get(prompt)
    this.#open.delete(prompt)
    open?.settle(Effect.fail(new PromptRefused({ reason })))
  }
}
