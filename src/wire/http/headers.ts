/** Headers of a request as they came: a name may have come more than once, and Node's joined form hides that. */

/** By name in lower case, every value in order. */
export type Headers = ReadonlyMap<string, ReadonlyArray<string>>

/** From Node's `rawHeaders`: names and values in turn. */
export const headersOf = (raw: ReadonlyArray<string>): Headers => {
  const headers = new Map<string, Array<string>>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    const known = headers.get(name)
    if (known === undefined) headers.set(name, [raw[at + 1]!])
    else known.push(raw[at + 1]!)
  }
  return headers
}

/** The first value, where there is one. What must not come twice is looked at by {@link repeated} before. */
export const header = (headers: Headers, name: string): string | undefined => headers.get(name)?.[0]

/** The first of these names that came more than once: two parties would read two different requests. */
export const repeated = (headers: Headers, names: ReadonlyArray<string>): string | undefined =>
  names.find((name) => (headers.get(name)?.length ?? 0) > 1)
