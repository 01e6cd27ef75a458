/** What an agent's events make of it. Pure. */
import { Schema } from "effect"
import { type AgentEvent, TurnResult } from "../protocol/agents.ts"

/** How far an agent is, as it is on record. */
export const Progress = Schema.Struct({
  agentSession: Schema.NullOr(Schema.String),
  model: Schema.NullOr(Schema.String),
  /** Turns that it was given, and that have ended. */
  given: Schema.Int,
  turns: Schema.Int,
  lastResult: Schema.NullOr(TurnResult),
  costUsd: Schema.NullOr(Schema.Number)
})
export type Progress = typeof Progress.Type

export const initial: Progress = {
  agentSession: null,
  model: null,
  given: 0,
  turns: 0,
  lastResult: null,
  costUsd: null
}

/** The longest result that is kept; the event has all of it. */
const RESULT_CHARACTERS = 64 * 1024

/** The longest name that is believed to be one. */
const NAME_CHARACTERS = 256

const named = (text: string | null): string | null => (text !== null && text.length <= NAME_CHARACTERS ? text : null)

export const decideProgress = (progress: Progress, event: AgentEvent, at: string): Progress => {
  switch (event.type) {
    case "ready":
      return {
        ...progress,
        agentSession: named(event.agentSession) ?? progress.agentSession,
        model: named(event.model) ?? progress.model
      }
    case "turn-ended": {
      const text = event.text === null ? null : event.text.slice(0, RESULT_CHARACTERS)
      return {
        ...progress,
        turns: progress.turns + 1,
        lastResult: { isError: event.isError, text, at },
        costUsd: event.costUsd ?? progress.costUsd
      }
    }
    default:
      return progress
  }
}

/** Whether it has a turn in hand. */
export const isWorking = ({ given, turns }: Progress): boolean => given > turns
