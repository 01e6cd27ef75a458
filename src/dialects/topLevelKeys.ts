const QUOTE = '"'

/**
 * The names of an object's members in a text that is valid JSON and an object, as often as they are there:
 * `JSON.parse` keeps the last of several silently, and other readers of JSON refuse them.
 */
export const topLevelKeys = (json: string): ReadonlyArray<string> => {
  const keys: Array<string> = []
  let depth = 0
  let expectsKey = false
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === QUOTE) {
      const end = endOfString(json, at)
      if (depth === 1 && expectsKey) keys.push(JSON.parse(json.slice(at, end + 1)) as string)
      expectsKey = false
      at = end
    } else if (character === "{" || character === "[") {
      depth++
      expectsKey = character === "{"
    } else if (character === "}" || character === "]") depth--
    else if (character === ",") expectsKey = depth === 1
  }
  return keys
}

const endOfString = (json: string, start: number): number => {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === "\\") at++
    else if (json[at] === QUOTE) return at
  }
  return json.length
}
