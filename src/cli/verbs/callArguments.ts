/** Arguments of a call and its result, as midclt takes and prints them. Texts of JSON are carried, never read and written anew. */

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The text of a JSON array: each argument as it is where it is JSON, as a string where it is not. */
export const paramsOf = (args: ReadonlyArray<string>): string =>
  `[${args.map((arg) => (isJson(arg) ? arg : JSON.stringify(arg))).join(", ")}]`

/** As a person reads it: a string without its quotes, true and false as midclt says them, all else as the upstream wrote it. */
export const shownResult = (result: string): string => {
  if (result === "true") return "True"
  if (result === "false") return "False"
  if (!result.startsWith('"')) return result
  try {
    return JSON.parse(result) as string
  } catch {
    return result
  }
}

/** What an upstream says of where and how it failed, for standard error. */
export const failureDetails = ({
  extra,
  trace
}: {
  readonly trace: string | null
  readonly extra: string | null
}): ReadonlyArray<string> => {
  const details: Array<string> = []
  const formatted = formattedOf(trace)
  if (formatted !== undefined) details.push(formatted.trimEnd())
  if (extra !== null) details.push(extra)
  return details
}

const formattedOf = (trace: string | null): string | undefined => {
  if (trace === null) return undefined
  try {
    const { formatted } = JSON.parse(trace) as { readonly formatted?: unknown }
    return typeof formatted === "string" && formatted !== "" ? formatted : undefined
  } catch {
    return undefined
  }
}
