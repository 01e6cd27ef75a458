/**
 * Questions that a program asked its terminal. Shown again from a log they would be answered again, and the answers
 * typed into the session.
 *
 * Device attributes, status and position reports, mode and setting requests, colours, versions, window sizes, kitty's
 * keyboard question, ENQ.
 */
const questions =
  // oxlint-disable-next-line no-control-regex
  /\u001b\[[>=]?0?c|\u001b\[\??[56]n|\u001b\[\??\d+\$p|\u001b\[>0?q|\u001b\[\?u|\u001b\[1[1345689]t|\u001b\[2[01]t|\u001b\](?:4;\d+|1\d);\?(?:\u0007|\u001b\\)|\u001bP(?:\$|\+)q[^\u001b]*\u001b\\|\u0005/g

/** A beginning of a question at the very end: it may go on in the next piece. */
// oxlint-disable-next-line no-control-regex
const unfinished = /\u001b(?:\[[>=?]?[\d$]*|\](?:[\d;?]*\u001b?)|P(?:[$+](?:q[^\u001b]*\u001b?)?)?)?$/
const LONGEST_QUESTION = 128

/** Takes the questions out of replayed output, piece by piece. */
export class QueryFilter {
  #kept: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): Buffer {
    const data = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    this.#kept = Buffer.alloc(0)
    if (!data.includes(0x1b) && !data.includes(0x05)) return data
    const text = data.toString("latin1")
    const tail = unfinished.exec(text.slice(-LONGEST_QUESTION))
    const whole = tail === null ? text : text.slice(0, text.length - tail[0].length)
    if (tail !== null) this.#kept = Buffer.from(tail[0], "latin1")
    return Buffer.from(whole.replace(questions, ""), "latin1")
  }

  /** What was held back when the replay is over. */
  end(): Buffer {
    const kept = this.#kept
    this.#kept = Buffer.alloc(0)
    return kept
  }
}
