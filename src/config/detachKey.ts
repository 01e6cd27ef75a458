/**
 * How `sessions.detachKey` is written: one key, or several with spaces between, in tmux's names. A key is a character
 * or a name (`Enter`, `Escape`, `Up`, `F5`, …), behind any of `C-` (Control), `M-` or `A-` (Alt), `S-` (Shift); `^X` is
 * `C-x`. Control goes with letters, `@ [ \ ] ^ _ ? /`, `Space` and the keys that move or have a number. Empty: no key
 * detaches.
 */
const moving = "up|down|right|left|home|end|insert|ic|delete|dc|pageup|pgup|ppage|pagedown|pgdn|npage|f(?:[1-9]|1[0-2])"
const named = `${moving}|enter|return|tab|space|escape|esc|bspace|backspace|btab`
const key = [
  String.raw`\^[@A-Z\[\\\]^_a-z?]`,
  String.raw`(?:[MSA]-)*C-(?:[CMSA]-)*(?:[@A-Z\[\\\]^_?\/]|space|${moving})`,
  String.raw`(?:[MSA]-)*(?:[^\s]|${named})`
].join("|")

export const detachKeyPattern = new RegExp(`^(?:(?:${key})(?: +(?:${key}))*)?$`, "iu")
