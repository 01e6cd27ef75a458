/** Between photon's names, which may be any text, and hob's. Pure. */
import { isReserved, MAX_NAME_BYTES } from "../../protocol/channelNames.ts"

/**
 * The name of ours for a name of photon's: the same text wherever it is one of ours. What a name of ours can't be is
 * written with `%` in place of it, so that two names are never one: empty segments (`%`), wildcards, control characters,
 * halves of surrogate pairs, and a `%` that would be read as one of these. Undefined where it would be too long.
 */
export const toName = (foreign: string): string | undefined => {
  const name = PLAIN.test(foreign) ? foreign : foreign.split(":").map(escapeSegment).join(":")
  return fits(name) ? name : undefined
}

/** The same for channels. Those that hob alone publishes to are photon's clients' own too, under another name. */
export const toChannelName = (foreign: string): string | undefined => {
  const name = toName(foreign)
  if (name === undefined || !isReserved(name)) return name
  const own = `${escaped(name.charCodeAt(0))}${name.slice(1)}`
  return fits(own) ? own : undefined
}

/**
 * The patterns of ours that stand for a channel of photon's: its name; where that ends with `:*`, everything below it,
 * and so the channel that is literally called so. hob's own channels are heard under their names as well.
 */
export const toPatterns = (foreign: string): ReadonlyArray<string> | undefined => {
  const isWildcard = foreign.endsWith(":*")
  const channel = isWildcard ? foreign.slice(0, -2) : foreign
  const rest = isWildcard ? ":**" : ""
  const own = toChannelName(channel)
  const name = toName(channel)
  if (own === undefined || name === undefined || !fits(`${own}${rest}`)) return undefined
  return own === name ? [`${own}${rest}`] : [`${own}${rest}`, `${name}${rest}`]
}

/** The name of photon's for a name of ours. */
export const toForeign = (name: string): string =>
  name.includes("%") ? name.split(":").map(unescapeSegment).join(":") : name

/** Who holds a lock: any text, escaped as a segment is. */
export const toHolder = (foreign: string): string => escapeSegment(foreign)

/** The holder as photon's clients call it. */
export const toForeignHolder = (holder: string): string => unescapeSegment(holder)

const PLAIN = /^[\w.-]+(?::[\w.-]+)*$/

const fits = (name: string): boolean =>
  name.length * 3 <= MAX_NAME_BYTES || (name.length <= MAX_NAME_BYTES && Buffer.byteLength(name) <= MAX_NAME_BYTES)

const EMPTY = "%"
const ESCAPE = /%(?:([0-9A-F]{2})|u([0-9A-F]{4}))/g
/** A lone surrogate is one only where its other half is not beside it: `u` reads pairs as one. */
const UNFIT = /[\p{Cc}\p{Cs}]|%(?=[0-9A-F]{2}|u[0-9A-F]{4})/gu

const escaped = (code: number): string => {
  const hex = code.toString(16).toUpperCase()
  return code <= 0xff ? `%${hex.padStart(2, "0")}` : `%u${hex.padStart(4, "0")}`
}

const escapeSegment = (segment: string): string => {
  if (segment === "") return EMPTY
  if (segment === "*" || segment === "**" || segment === EMPTY) {
    return `${escaped(segment.charCodeAt(0))}${segment.slice(1)}`
  }
  return segment.replace(UNFIT, (unfit) => escaped(unfit.charCodeAt(0)))
}

const unescapeSegment = (segment: string): string =>
  segment === EMPTY
    ? ""
    : segment.replace(ESCAPE, (_, byte: string | undefined, unit: string | undefined) =>
        String.fromCharCode(Number.parseInt(byte ?? unit!, 16))
      )
