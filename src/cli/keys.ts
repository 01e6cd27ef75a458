/** Keys by name, as `hob send --key` and `sessions.detachKey` spell them: tmux's names, and a few longer ones. */

const ESC = "\x1b"

/** Keys that have one spelling whatever the modifiers. */
const plain: Readonly<Record<string, string>> = {
  enter: "\r",
  return: "\r",
  tab: "\t",
  space: " ",
  escape: ESC,
  esc: ESC,
  bspace: "\x7f",
  backspace: "\x7f",
  btab: `${ESC}[Z`
}

/** Keys sent as `CSI [1;modifier] letter`. */
const letters: Readonly<Record<string, string>> = {
  up: "A",
  down: "B",
  right: "C",
  left: "D",
  home: "H",
  end: "F"
}

/** Keys sent as `CSI number [;modifier] ~`. */
const numbers: Readonly<Record<string, number>> = {
  insert: 2,
  ic: 2,
  delete: 3,
  dc: 3,
  pageup: 5,
  pgup: 5,
  ppage: 5,
  pagedown: 6,
  pgdn: 6,
  npage: 6,
  f5: 15,
  f6: 17,
  f7: 18,
  f8: 19,
  f9: 20,
  f10: 21,
  f11: 23,
  f12: 24
}

/** F1 to F4 are `SS3 letter` alone and `CSI 1;modifier letter` with modifiers. */
const functionLetters: Readonly<Record<string, string>> = { f1: "P", f2: "Q", f3: "R", f4: "S" }

/** Keys by the names that are offered to people; there are others, and modifiers go before all of them. */
export const keyNames: ReadonlyArray<string> = (
  "Enter Tab BTab Space Escape Backspace Delete Insert Up Down Left Right Home End PageUp PageDown " +
  "F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12 C-c C-d C-z C-l C-r C-u"
).split(" ")

export interface Key {
  readonly ctrl: boolean
  readonly alt: boolean
  readonly shift: boolean
  /** One character, or a name in lower case. */
  readonly name: string
}

/** Takes `C-M-x`, `^C`, `S-Up`, `Enter`, `a` apart; undefined when it is no key. */
export const parseKey = (text: string): Key | undefined => {
  if (/^\^[@-_a-z?]$/.test(text)) return { ctrl: true, alt: false, shift: false, name: text[1]!.toLowerCase() }
  let rest = text
  let ctrl = false
  let alt = false
  let shift = false
  for (let match = /^([CMSAcmsa])-(?=.)/u.exec(rest); match !== null; match = /^([CMSAcmsa])-(?=.)/u.exec(rest)) {
    const modifier = match[1]!.toUpperCase()
    if (modifier === "C") ctrl = true
    else if (modifier === "S") shift = true
    else alt = true
    rest = rest.slice(2)
  }
  const isCharacter = [...rest].length === 1
  const name = isCharacter && !ctrl ? rest : rest.toLowerCase()
  const known = isCharacter || name in plain || name in letters || name in numbers || name in functionLetters
  return known ? { ctrl, alt, shift, name } : undefined
}

/** The control character of a key: `C-a` is 1, `C-Space` and `C-@` are 0, `C-?` is 127. Undefined when it has none. */
export const controlByte = (name: string): number | undefined => {
  if (name === "space") return 0
  if (name === "?") return 0x7f
  if (name === "/") return 0x1f
  const code = name.toUpperCase().charCodeAt(0)
  return name.length === 1 && code >= 0x40 && code <= 0x5f ? code & 0x1f : undefined
}

/** Whether a key is sent otherwise to a program that has switched its cursor keys to their application form (DECCKM). */
export const dependsOnMode = (text: string): boolean => {
  const key = parseKey(text)
  return key !== undefined && key.name in letters && !key.alt && !key.ctrl && !key.shift
}

/**
 * The bytes a terminal sends for a key; for a cursor key in its normal form, unless `applicationCursorKeys`. Undefined
 * when the key is not known or can't be typed.
 */
export const keyBytes = (text: string, applicationCursorKeys = false): Buffer | undefined => {
  const key = parseKey(text)
  if (key === undefined) return undefined
  const { alt, ctrl, name, shift } = key
  const modifier = 1 + (shift ? 1 : 0) + (alt ? 2 : 0) + (ctrl ? 4 : 0)
  const suffix = modifier === 1 ? "" : `;${modifier}`
  if (name in letters && modifier === 1 && applicationCursorKeys) return Buffer.from(`${ESC}O${letters[name]}`)
  if (name in letters) return Buffer.from(`${ESC}[${modifier === 1 ? "" : `1${suffix}`}${letters[name]}`)
  if (name in numbers) return Buffer.from(`${ESC}[${numbers[name]}${suffix}~`)
  if (name in functionLetters) {
    return Buffer.from(modifier === 1 ? `${ESC}O${functionLetters[name]}` : `${ESC}[1${suffix}${functionLetters[name]}`)
  }
  const prefix = alt ? ESC : ""
  if (ctrl) {
    const control = controlByte(name)
    return control === undefined ? undefined : Buffer.from(prefix + String.fromCharCode(control))
  }
  if (shift && name === "tab") return Buffer.from(`${prefix}${plain["btab"]}`)
  return Buffer.from(prefix + (plain[name] ?? (shift ? name.toUpperCase() : name)))
}
