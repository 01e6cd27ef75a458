/** Variables of a session, as they are given, and in terms of the daemon's own: `${NAME}` and `${NAME:-default}`. Pure. */
import { Schema } from "effect"

const isName = (name: string) => /^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(name)

/** Variables by name. One name that is none refuses all of them. */
export const Variables = Schema.Record(Schema.String, Schema.String.check(Schema.isPattern(/^[^\0]{0,65536}$/))).check(
  Schema.makeFilter((variables) => Object.keys(variables).every(isName))
)

/** The values, or a sentence about what is not there. */
export const expandVariables = (
  variables: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>>
): Readonly<Record<string, string>> | string => {
  const missing: Array<string> = []
  const expanded = Object.entries(variables).map(([name, value]) => {
    const text = value.replace(
      /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
      (reference, of: string, otherwise?: string) => {
        const found = env[of] || otherwise
        if (found === undefined) missing.push(`${name} references ${reference} which is not defined`)
        return found ?? ""
      }
    )
    return [name, text] as const
  })
  if (missing.length === 0) return Object.fromEntries(expanded)
  return `Session environment is invalid - environment variables not found in daemon: ${missing.join("; ")}.`
}
