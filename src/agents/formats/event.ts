import type { AgentEvent } from "../../protocol/agents.ts"

type Without<E> = E extends unknown ? Omit<E, "offset" | "raw"> : never

/** An event without its place in the output. */
export type Said = Without<AgentEvent>

/** What one line of an agent's output says: nothing, one thing, or several. The line is a JSON object. */
export type Reader = (line: Readonly<Record<string, unknown>>) => ReadonlyArray<Said>

type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A member that is an object; an empty one where it is not. */
export const fields = (of: Fields, name: string): Fields => {
  const value = of[name]
  return isFields(value) ? value : {}
}

export const text = (of: Fields, name: string): string | null => {
  const value = of[name]
  return typeof value === "string" ? value : null
}

export const number = (of: Fields, name: string): number | null => {
  const value = of[name]
  return typeof value === "number" && Number.isFinite(value) ? value : null
}

export const json = (of: Fields, name: string) => (of[name] ?? null) as never
