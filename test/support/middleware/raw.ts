/** What a message's own text says: the stand-in gives back the very characters it was sent. */

/** The members of a JSON object, each as the text it was written with. Of equal names the last one counts. */
export const members = (text: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  let depth = 0
  let start = -1
  let name: string | undefined
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs)) {
    if (token === "{" || token === "[") depth++
    else if (token === "}" || token === "]") depth--
    if (depth === 1 && token === ":" && name === undefined) {
      name = JSON.parse(text.slice(start, index)) as string
      start = index + 1
    } else if ((depth === 1 && (token === "," || (token === "{" && start < 0))) || depth === 0) {
      if (name !== undefined) found.set(name, text.slice(start, index).trim())
      name = undefined
      start = index + 1
    }
  }
  return found
}

/** As Python reads it: `NaN` and the infinities are values too, here null. */
export const parseLeniently = (text: string): unknown =>
  JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/gs, (found) => (found.startsWith('"') ? found : "null"))
  )
