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
    const value = make(text)
    if (known.size >= MOST) known = new Map()
    // A text of its own: what was cut from a line holds the whole read that it came in.
    if (text.length <= LONGEST) known.set(`${text} `.slice(0, -1), value)
    return value
  }
}
