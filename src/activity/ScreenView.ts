/** What the rules look at: a rendered screen, as a person would see it. Made from an emulator by whoever has one. */
export interface ScreenView {
  /** Another number whenever anything on the screen is different. */
  readonly revision: number
  /** Text of each row from top to bottom, without blanks at the end. */
  readonly rows: ReadonlyArray<string>
  /** Counted from 0, in cells. */
  readonly cursor: { readonly row: number; readonly column: number; readonly visible: boolean }
  /** What the program called its window last; empty when it didn't. */
  readonly title: string
  /** Whether the alternate screen is shown. */
  readonly alternate: boolean
  /** Whether the program takes input as programs with a screen do: bracketed paste, mouse reports or application keys. */
  readonly interactive: boolean
}

/**
 * A part of the screen that a pattern is looked for in:
 * - `title`: the window's title
 * - `screen`: all rows
 * - `last N`: the last N rows that are not empty
 * - `cursor`: the cursor's row
 * - `before-cursor`: what is left of the cursor in its row, blanks included
 * - `from-cursor N`: from N rows above the cursor to the end
 */
export type Region = "title" | "screen" | "cursor" | "before-cursor" | `last ${number}` | `from-cursor ${number}`

export const isRegion = (text: string): text is Region =>
  /^(title|screen|cursor|before-cursor|(last|from-cursor) ([1-9]|[1-9]\d|100))$/.test(text)

/** A screen, with the parts of it that were asked for kept: several rules look at the same. */
export class Regions {
  readonly view: ScreenView
  readonly #texts = new Map<Region, string>()
  #filled: ReadonlyArray<string> | undefined

  constructor(view: ScreenView) {
    this.view = view
  }

  /** Rows joined by line feeds; without one at the end. */
  text(region: Region): string {
    let text = this.#texts.get(region)
    if (text === undefined) this.#texts.set(region, (text = this.#make(region)))
    return text
  }

  /** The rows that are not empty, from top to bottom. */
  get filled(): ReadonlyArray<string> {
    return (this.#filled ??= this.view.rows.filter((row) => row.trim() !== ""))
  }

  #make(region: Region): string {
    const { cursor, rows, title } = this.view
    if (region === "title") return title
    if (region === "screen") return this.filled.join("\n")
    const row = rows[cursor.row] ?? ""
    if (region === "cursor") return row
    if (region === "before-cursor") return beforeColumn(row, cursor.column)
    const [name, count] = region.split(" ")
    if (name === "last") return this.filled.slice(-Number(count)).join("\n")
    return rows
      .slice(Math.max(0, cursor.row - Number(count)))
      .filter((text) => text !== "")
      .join("\n")
  }
}

/** East Asian wide characters and emoji take two cells. Enough for a prompt: what is exact is the emulator's affair. */
const isWide = (character: string): boolean =>
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    character
  )

/** The text left of a column; blanks that the row doesn't have are added, so that a prompt's last one is there. */
const beforeColumn = (row: string, column: number): string => {
  let cells = 0
  let text = ""
  for (const character of row) {
    if (cells >= column) break
    text += character
    cells += isWide(character) ? 2 : 1
  }
  return text + " ".repeat(Math.max(0, column - cells))
}
