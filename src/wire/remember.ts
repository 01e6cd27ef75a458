/** What is kept at once, and of how long texts. */
const MOST = 4096
const LONGEST = 512

/**
 * A pure function that remembers what it has made of texts lately, where the same ones come again and again and are
 * costly to look at, such as names. It forgets everything at once when it is full.
 */
export const remember = <A extends {}>(make: (text: string) => A): ((text: string) => A) => {
  let known = new Map<string, A>()
  return (text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    // A text of its own: what was cut from a line holds the whole read that it came in.
    const own = text.length <= LONGEST ? `${text} `.slice(0, -1) : text
    const value = make(own)
    if (known.size >= MOST) known = new Map()
    if (text.length <= LONGEST) known.set(own, value)
    return value
  }
}
