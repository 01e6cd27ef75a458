/** How Rust's `{:?}` writes a text: what errors of programs written in it show. */

const short: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\t": "\\t",
  "\r": "\\r",
  "\n": "\\n",
  '"': '\\"',
  "\\": "\\\\"
}

/** What can't be seen, and what would join the character before it. */
const hidden = /^(?:\p{C}|\p{Z}|\p{Grapheme_Extend})$/u

/** In double quotes, with escapes for what a reader could not tell from something else. */
export const rustDebug = (text: string): string => `"${Array.from(text, escaped).join("")}"`

const escaped = (character: string): string =>
  short[character] ??
  (character !== " " && hidden.test(character) ? `\\u{${character.codePointAt(0)!.toString(16)}}` : character)
