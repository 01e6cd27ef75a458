/**
 * A stand-in for an agent's full-screen editor, as a program of its own: reads keys in raw mode, shows what was typed in
 * a box at the bottom, takes Enter for the end of a message, and appends each message to a file as a line of JSON.
 *
 *     node editor.ts FILE [habit…]
 *
 * Habits, after what real ones do:
 *   bracketed  asks for bracketed paste
 *   marker     shows a paste of more than a few lines as `[Pasted text #1 +N lines]`
 *   slow       reads a little at a time, and draws between
 *   swallow    ignores the first Enter after a paste
 *   burst      takes an Enter that comes together with text, or within 120 ms of many keys, for a new line
 *   spinner    draws a spinner all the time
 *   alternate  on the alternate screen
 */
import { appendFileSync } from "node:fs"

const [file = "", ...habits] = process.argv.slice(2)
const has = (habit: string): boolean => habits.includes(habit)
const BURST_MILLIS = 120

let text = ""
let shown = ""
let transcript: Array<string> = []
let pasting = false
let pasteStart = 0
let pastes = 0
let swallowNext = false
let lastKeys = { at: 0, count: 0 }
let frame = 0

const width = () => process.stdout.columns || 80
const height = () => process.stdout.rows || 24

const wrap = (line: string, cells: number): Array<string> => {
  const rows: Array<string> = []
  let row = ""
  let used = 0
  for (const character of line) {
    const size = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60]|\p{Emoji_Presentation}/u.test(character)
      ? 2
      : 1
    if (used + size > cells) {
      rows.push(row)
      row = ""
      used = 0
    }
    row += character
    used += size
  }
  return [...rows, row]
}

const cellsOf = (row: string): number =>
  [...row].reduce(
    (sum, character) =>
      sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60]|\p{Emoji_Presentation}/u.test(character) ? 2 : 1),
    0
  )

/** The last rows of the editor in a box, the transcript above. */
const draw = () => {
  const inner = width() - 4
  const rows = shown.split("\n").flatMap((line) => wrap(line, inner))
  const visible = rows.slice(-Math.min(6, height() - 4))
  const top = height() - visible.length - 2
  const above = transcript.slice(-top)
  const spinner = has("spinner") ? `${"⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[frame++ % 10]!} ` : ""
  const lines = [
    ...above.map((line) => line.slice(0, width() - 1)),
    ...Array.from({ length: top - above.length }, () => ""),
    `╭${"─".repeat(inner + 2)}╮`,
    ...visible.map((row) => `│ ${row}${" ".repeat(Math.max(0, inner - cellsOf(row)))} │`),
    `${spinner}ready`
  ]
  const screen = lines.map((line, row) => `\u001b[${row + 1};1H\u001b[2K${line}`).join("")
  const last = visible.at(-1)!
  process.stdout.write(`\u001b[?25l${screen}\u001b[${top + 1 + visible.length};${3 + cellsOf(last)}H\u001b[?25h`)
}

const submitMessage = () => {
  appendFileSync(file, `${JSON.stringify({ text })}\n`)
  transcript = [...transcript, `> ${shown.split("\n")[0]!}`, `answer to ${text.length} characters`].slice(-40)
  text = ""
  shown = ""
}

const enter = (isWithText: boolean, now: number) => {
  if (swallowNext) {
    swallowNext = false
    return
  }
  const isInBurst =
    has("burst") && !has("bracketed") && (isWithText || (lastKeys.count > 8 && now - lastKeys.at < BURST_MILLIS))
  if (isInBurst) insert("\n")
  else submitMessage()
}

const insert = (piece: string) => {
  text += piece
  if (!pasting || !has("marker")) shown += piece
}

const endPaste = () => {
  pasting = false
  const pasted = text.slice(pasteStart)
  const lines = pasted.split("\n").length
  if (has("marker")) shown += lines > 3 || pasted.length > 800 ? `[Pasted text #${++pastes} +${lines} lines]` : pasted
  swallowNext = has("swallow")
}

const decoder = new TextDecoder()
let rest = ""

/** One read's worth. */
const read = (data: Uint8Array) => {
  const now = performance.now()
  rest += decoder.decode(data, { stream: true })
  const isWithText = rest.length > 1
  let count = 0
  while (rest !== "") {
    if (rest.startsWith("\u001b[200~")) {
      pasting = true
      pasteStart = text.length
      rest = rest.slice(6)
    } else if (rest.startsWith("\u001b[201~")) {
      endPaste()
      rest = rest.slice(6)
    } else if ("\u001b[200~".startsWith(rest) || "\u001b[201~".startsWith(rest)) {
      break
    } else {
      const key = String.fromCodePoint(rest.codePointAt(0)!)
      rest = rest.slice(key.length)
      if (key === "\r" && !pasting) enter(isWithText && has("burst"), now)
      else if (key === "\u0003") process.exit(0)
      else {
        insert(key === "\r" ? "\n" : key)
        count++
      }
    }
  }
  if (count > 0) lastKeys = { at: now, count: now - lastKeys.at < BURST_MILLIS ? lastKeys.count + count : count }
  draw()
}

process.stdin.setRawMode(true)
if (has("alternate")) process.stdout.write("\u001b[?1049h")
if (has("bracketed")) process.stdout.write("\u001b[?2004h")
if (has("spinner")) setInterval(draw, 100)
draw()
if (has("slow")) {
  process.stdin.on("readable", () => void slowly())
} else process.stdin.on("data", read)

let isReading = false
const slowly = async () => {
  if (isReading) return
  isReading = true
  for (
    let piece = process.stdin.read(1024) ?? process.stdin.read();
    piece !== null;
    piece = process.stdin.read(1024) ?? process.stdin.read()
  ) {
    read(piece as Uint8Array)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  isReading = false
}
