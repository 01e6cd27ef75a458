import { Effect } from "effect"
import { type CliError, CliOutput } from "effect/cli"
import { isatty } from "node:tty"
import { stripVTControlCharacters } from "node:util"
import { print, printError } from "./stdio.ts"

const exitCodes = `
EXIT CODES
  0 done   1 failed   2 wrong usage   3 hob is not running   4 no such session, or several   5 timed out
  run and attach end with the session's own exit code (128 + n for signal n; 125 if it was lost).
  lock ends with its command's; 121: somebody else holds the lock, nothing was run; 122: the lock was lost.`

const hasColours = (descriptor: number): boolean =>
  isatty(descriptor) && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb"

/** Effect's messages in the words of the rest of hob. */
const sentence = (error: CliError.CliError): string => {
  switch (error._tag) {
    case "UnknownSubcommand": {
      const parent = (error.parent ?? ["hob"]).join(" ")
      return `"${error.subcommand}" is not a command.${didYouMean(error.suggestions.map((name) => `${parent} ${name}`))}`
    }
    case "UnrecognizedOption":
      return `${error.option} is not a flag of \`${(error.command ?? ["hob"]).join(" ")}\`.${didYouMean(error.suggestions)}`
    case "MissingArgument":
      return `<${error.argument}> is missing.`
    case "UnexpectedArgument":
      return `Too much: ${error.arguments.map((word) => JSON.stringify(word)).join(", ")}.`
    case "InvalidValue": {
      const what = error.kind === "argument" ? `<${error.option}>` : `--${error.option}`
      return error.value === ""
        ? `${what} needs a value: ${error.expected}.`
        : `${what} ${error.value}: must be ${error.expected}.`
    }
    default:
      return error.message
  }
}

const didYouMean = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "" : ` Did you mean ${suggestions.map((text) => `\`${text}\``).join(" or ")}?`

/** Help goes to standard output; a mistake is told in a line or two on standard error, with where to read more. */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    Effect.sync(() => {
      switch (event._tag) {
        case "Help": {
          const formatter = CliOutput.defaultFormatter({ colors: hasColours(1), globalFlags: "none" })
          const isRoot = event.commandPath.length === 1
          return print(`${spaced(formatter.formatHelpDoc(event.helpDoc))}\n${isRoot ? `${exitCodes}\n` : ""}`)
        }
        case "Version":
          return print(`${event.version}\n`)
        case "InvalidInvocation": {
          const told = event.errors.filter((error, index) => !isConsequence(error, event.errors.slice(0, index)))
          const unknownCommand = told.some(({ _tag }) => _tag === "UnknownSubcommand")
          for (const error of told) printError(`hob: ${sentence(error)}`)
          return printError(
            `\`${event.commandPath.join(" ")} --help\` ${unknownCommand ? "lists them" : "explains it"}.`
          )
        }
      }
    })
}

/** A blank line before each heading: of a command that has subcommands, the formatter forgets the one before its examples. */
const spaced = (help: string): string =>
  help
    .split("\n")
    .map((line, index, lines) =>
      index > 0 && lines[index - 1] !== "" && /^[A-Z][A-Z ]+$/.test(stripVTControlCharacters(line)) ? `\n${line}` : line
    )
    .join("\n")

/** After an unknown command, its own arguments are reported as well. */
const isConsequence = (error: CliError.CliError, before: ReadonlyArray<CliError.CliError>): boolean =>
  before.some(({ _tag }) => _tag === "UnknownSubcommand") &&
  (error._tag === "UnrecognizedOption" || error._tag === "UnexpectedArgument")
