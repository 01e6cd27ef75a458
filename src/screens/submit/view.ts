/** What of a screen tells whether a text stands in an editor. */
export interface View {
  /** Rendered rows from top to bottom, without blanks at their ends. */
  readonly lines: ReadonlyArray<string>
  /** Counted from 0. */
  readonly cursor: { readonly row: number; readonly column: number }
  readonly alternate: boolean
}

/** Frames, bullets and blanks: what editors draw around a text, and where they break it. */
const decoration = /[\s\u2500-\u259f|▏▕❯›>*+•…]+/gu
const bare = (text: string): string => text.replaceAll(decoration, "")

/** How much of a text's end is enough to know it by. */
const TAIL_LETTERS = 16
/** Rows above the cursor in which it may stand: an editor may wrap a word, and leave a row below. */
const TAIL_ROWS = 3

/** The end of a text as it can be recognised on a screen; null when nothing of it can. */
export const tailOf = (text: string): string | null => {
  const letters = [...bare(text.trimEnd().slice(-8 * TAIL_LETTERS))]
  return letters.length === 0 ? null : letters.slice(-TAIL_LETTERS).join("")
}

/** Whether the cursor stands behind a text that ends with `tail`: it is in the editor, and nothing came behind it. */
export const standsBehind = ({ cursor, lines }: View, tail: string): boolean => {
  const rows = lines.slice(Math.max(0, cursor.row - TAIL_ROWS), cursor.row)
  const last = sliceCells(lines[cursor.row] ?? "", cursor.column)
  return bare([...rows, last].join("")).endsWith(tail)
}

/** The first `cells` columns of a row. Wide characters take two. */
const sliceCells = (row: string, cells: number): string => {
  let at = 0
  let text = ""
  for (const character of row) {
    at += wide.test(character) ? 2 : 1
    if (at > cells) break
    text += character
  }
  return text
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u

/** How programs show a paste that is too long to be shown: `[Pasted text #1 +42 lines]`, `[Pasted Content 9000 chars]`. */
const marker = /\[past(?:ed|e)\b[^\]\n]*\]/giu

/** The last marker of a paste before the cursor, as a tail; null when there is none. */
export const markerTail = (view: View): string | null => {
  const rows = view.lines.slice(Math.max(0, view.cursor.row - TAIL_ROWS), view.cursor.row + 1)
  const tail = tailOf(rows.join(" ").match(marker)?.at(-1) ?? "")
  return tail !== null && standsBehind(view, tail) ? tail : null
}

/** Whether something has changed where the cursor is. */
export const sameCursor = (a: View, b: View): boolean =>
  a.cursor.row === b.cursor.row &&
  a.cursor.column === b.cursor.column &&
  a.lines[a.cursor.row] === b.lines[b.cursor.row]

export const sameView = (a: View, b: View): boolean =>
  a.cursor.row === b.cursor.row &&
  a.cursor.column === b.cursor.column &&
  a.lines.length === b.lines.length &&
  a.lines.every((line, row) => line === b.lines[row])
