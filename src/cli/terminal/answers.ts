/**
 * What a terminal says by itself, among what is typed. A session's questions are answered by hob's own emulator; what
 * the reader's terminal answers nevertheless (to somebody who used it before, or too late) must not be typed.
 */

const ESC = 0x1b

/**
 * An answer: device attributes, status, position (but not F3 with modifiers, which looks like one in the first row),
 * modes, window sizes, kitty's keyboard flags; colours and the clipboard; versions, settings and capabilities.
 */
const answer =
  // oxlint-disable-next-line no-control-regex
  /^(?:\u001b\[(?:[?>=][\d;]*c|\??[\d;]*n|\?[\d;]*R|\d+;\d+R|\??[\d;]*\$y|\d+;\d+;\d+t|\?\d+u)|\u001b\](?:4;\d+|1\d|52;\w*);[^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\][lL][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001bP(?:[01]\$r|[01]\+r|>\||!\|)[^\u001b]*\u001b\\)/
// oxlint-disable-next-line no-control-regex
const functionKey = /^\u001b\[1;(?:[2-9]|1[0-6])R/

/** What may be the beginning of an answer: not a single Escape, which is a key. */
const begun =
  // oxlint-disable-next-line no-control-regex
  /^\u001b(?:\[[?>=]?[\d;]*\$?|\](?:\d{0,2}|(?:4|1\d|52);[^\u0007\u001b]*|[lL][^\u0007\u001b]*)\u001b?|P(?:[01]?[$+]?|[01][$+]r[^\u001b]*|[>!]\|?[^\u001b]*)\u001b?)$/

/** Longer ones are not held back. */
const LONGEST_ANSWER = 8 * 1024

// oxlint-disable-next-line no-control-regex
const reports = /\u001b\[(?:[IO]|[\d:;]+:3[u~A-HP-S]|M[^]{3}|<[\d;]*[Mm]|[\d;]+M)/g

/** Takes the terminal's answers out of what is typed, piece by piece. */
export class AnswerFilter {
  #begun = ""

  /** True while an unfinished answer is held back: call {@link flush} if nothing follows for a moment. */
  get waiting(): boolean {
    return this.#begun !== ""
  }

  push(chunk: Buffer): Buffer {
    if (this.#begun === "" && !chunk.includes(ESC)) return chunk
    const text = this.#begun + chunk.toString("latin1")
    this.#begun = ""
    let kept = ""
    let from = 0
    for (let at = text.indexOf("\u001b"); at >= 0; at = text.indexOf("\u001b", at)) {
      const rest = text.slice(at)
      const found = functionKey.test(rest) ? null : answer.exec(rest)
      if (found !== null) {
        kept += text.slice(from, at)
        from = at += found[0].length
      } else if (rest.length <= LONGEST_ANSWER && begun.test(rest)) {
        this.#begun = rest
        return Buffer.from(kept + text.slice(from, at), "latin1")
      } else at++
    }
    return from === 0 ? Buffer.from(text, "latin1") : Buffer.from(kept + text.slice(from), "latin1")
  }

  /** What was held back: it was no answer after all. */
  flush(): Buffer {
    const rest = Buffer.from(this.#begun, "latin1")
    this.#begun = ""
    return rest
  }
}

/** What is left when mouse and focus reports are taken out: keys. */
export const keysIn = (data: Buffer): Buffer =>
  data.includes(ESC) ? Buffer.from(data.toString("latin1").replace(reports, ""), "latin1") : data
