/** Variables of a session in terms of the daemon's own: `${NAME}` and `${NAME:-default}`. Pure. */

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
