/** Character sets by the final character of their designation. */
import { type Charset, makeCore } from "./xterm.ts"

let names: Map<Charset, string> | undefined

const findNames = (): Map<Charset, string> => {
  const found = new Map<Charset, string>()
  const core = makeCore({ cols: 2, rows: 1, scrollback: 0, logLevel: "off" })
  for (const name of "0A4C5RQKYE6ZH7=") {
    core._inputHandler.selectCharset(`(${name}`)
    const charset = core._charsetService._charsets[0]
    if (charset !== undefined && !found.has(charset)) found.set(charset, name)
  }
  core.dispose()
  return found
}

/** `0` for line drawing, `B` for ASCII. */
export const charsetName = (charset: Charset | undefined): string =>
  charset === undefined ? "B" : ((names ??= findNames()).get(charset) ?? "B")
