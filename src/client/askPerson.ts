/** Asks a person at the terminal what a method wants to know. */
import { createInterface } from "node:readline/promises"
import { Writable } from "node:stream"
import { stripVTControlCharacters } from "node:util"
import type { Question } from "../protocol/methods.ts"

export type Answered = { readonly value: unknown } | { readonly reason: string }

/** Asks until there is an answer of the kind that is asked for; the end of standard input is none. */
export const ask = async (question: Question): Promise<Answered> => {
  const lines = createInterface({
    input: process.stdin,
    // Keys of a secret are not to be seen.
    output: question.secret === true ? nowhere() : process.stderr,
    terminal: true
  })
  const ended = new Promise<undefined>((resolve) => {
    lines.once("close", () => resolve(undefined))
    lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"))
  })
  try {
    for (;;) {
      const prompt = promptText(question)
      if (question.secret === true) process.stderr.write(prompt)
      const line = await Promise.race([lines.question(question.secret === true ? "" : prompt), ended])
      if (question.secret === true) process.stderr.write("\n")
      if (line === undefined) return { reason: "The question was not answered." }
      const answer = answerOf(question, line)
      if (answer !== undefined) return { value: answer }
    }
  } finally {
    lines.close()
  }
}

/** The question as it stands on the terminal, with what no answer means. */
export const promptText = ({ default: otherwise, message, options = [], type }: Question): string => {
  const text = printable(message).trim()
  const choices = options.map(({ label }, index) => `  ${index + 1}) ${printable(label)}\n`).join("")
  if (type === "confirm") return `${text} [${otherwise === true ? "Y/n" : otherwise === false ? "y/N" : "y/n"}] `
  const hint = otherwise === undefined || otherwise === null ? "" : ` [${printable(String(otherwise))}]`
  return choices === "" ? `${text}${hint} ` : `${text}\n${choices}1-${options.length}${hint}: `
}

/** What a line answers; undefined when it answers nothing, and is to be asked for again. */
export const answerOf = ({ default: otherwise, options = [], type }: Question, line: string): unknown => {
  const text = line.trim()
  if (text === "" && otherwise !== undefined) return otherwise
  switch (type) {
    case "confirm":
      return /^(?:y|yes)$/i.test(text) ? true : /^(?:n|no)$/i.test(text) ? false : undefined
    case "select":
      return (options[Number(text) - 1] ?? options.find(({ label, value }) => [value, label].includes(text)))?.value
    case "text":
      return line
  }
}

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

/** What a method says goes to a terminal: without anything that a terminal would obey. */
const printable = (text: string): string => stripVTControlCharacters(text).replace(/[\p{Cc}]+/gu, " ")
