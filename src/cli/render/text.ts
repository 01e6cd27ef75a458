import { stripVTControlCharacters } from "node:util"

/** `12s`, `4m`, `3h`, `2d`: how long ago, for a column. An instant in the future, as after a clock change, is `0s`. */
export const age = (iso: string, now: number): string => {
  const seconds = Math.max(0, Math.floor((now - Date.parse(iso)) / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** `512 B`, `4.2 kB`, `1.3 GB`. */
export const bytes = (count: number): string => {
  let value = count
  let unit = "B"
  for (const next of ["kB", "MB", "GB", "TB"]) {
    if (value < 1000) break
    value /= 1000
    unit = next
  }
  return unit === "B" ? `${count} B` : `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`
}

/** A command as it could be typed into a shell. */
export const commandLine = (command: ReadonlyArray<string>): string =>
  command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ")

/** Anything from elsewhere that is shown in a line: a control character in a name must not reach the terminal. */
export const oneLine = (text: string): string =>
  // Most have none, and looking is quicker than replacing.
  CONTROL.test(text) ? stripVTControlCharacters(text).replace(CONTROLS, " ") : text

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g

/** Cut to `width` characters, with `…` where something is missing. */
export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

/** Left-aligned columns, two spaces apart; the last one is not padded. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths: Array<number> = []
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length)
    })
  }
  return rows
    .map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index]!))).join("  "))
    .join("\n")
}

export const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`
