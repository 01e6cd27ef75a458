/** Why a process has ended, in words. */

/** What is kept of a process's stderr. */
const TAIL_CHARACTERS = 16 * 1024

/** The end of what a process has written to stderr. */
export class Tail {
  #text = ""

  add(text: string): void {
    this.#text = (this.#text + text).slice(-TAIL_CHARACTERS)
  }

  get text(): string {
    return this.#text
  }
}

/** The last line that says something. */
export const lastLine = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => line !== "") ?? ""

/** How a module's process ended, as the end of a sentence: with what it was killed for, or what Node said on stderr. */
export const howEnded = (code: number | null, signal: string | null, stderr: string): string => {
  if (/JavaScript heap out of memory|Reached heap limit/.test(stderr))
    return "it used more memory than it may (methods.memoryBytes)"
  const how = signal === null ? `it exited with code ${code ?? "unknown"}` : `it was ended by ${signal}`
  const said = stderr
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => /^(?:Uncaught )?\w*Error\b/.test(line))
  return said === undefined || code === 0 ? how : `${how}: ${said.slice(0, 500)}`
}
