const PASTE_BEGIN = "\u001b[200~"
const PASTE_END = "\u001b[201~"

/** Control characters have no place in a message: an editor would take them for keys, and the end of a paste for its end. */
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g

/**
 * What to type so that an editor has `text` in it as one message. With bracketed paste, as a terminal pastes it, lines
 * ended by CR; without, lines are ended by LF, which editors in raw mode take for a new line and not for Enter.
 */
export const typed = (text: string, bracketedPaste: boolean): Buffer => {
  const clean = text.replaceAll(/\r\n?/g, "\n").replaceAll(controls, (control) => (control === "\n" ? "\n" : ""))
  return Buffer.from(bracketedPaste ? `${PASTE_BEGIN}${clean.replaceAll("\n", "\r")}${PASTE_END}` : clean)
}

export const ENTER = Buffer.from("\r")
