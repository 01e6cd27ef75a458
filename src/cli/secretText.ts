/** Secrets as flags take them: the last place where one should stand is a command line, which others can read. */
import { readFile } from "node:fs/promises"
import { ExitCode, Fault } from "./exit.ts"
import { stdinLines } from "./stdinLines.ts"

/** A secret is no longer than that. */
const LONGEST = 1024

/**
 * `-`: the first line of standard input. `file:PATH`: the first line of a file. `env:NAME`: a variable. Anything else is
 * the secret itself. A {@link Fault} names the flag and never the secret.
 */
export const secretText = async (
  flag: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>
): Promise<string> => {
  const secret = await readSecret(flag, text, env)
  if (secret === "") throw new Fault(ExitCode.usage, `${flag}: the secret is empty.`)
  if (secret.length > LONGEST)
    throw new Fault(ExitCode.usage, `${flag}: the secret is longer than ${LONGEST} characters.`)
  return secret
}

const readSecret = async (
  flag: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>
): Promise<string> => {
  if (text === "-") {
    for await (const line of stdinLines()) return (line ?? "").replace(/\r$/, "")
    return ""
  }
  if (text.startsWith("env:")) {
    const name = text.slice("env:".length)
    const value = env[name]
    if (value === undefined) throw new Fault(ExitCode.usage, `${flag}: there is no variable ${name}.`)
    return value
  }
  if (!text.startsWith("file:")) return text
  const path = text.slice("file:".length)
  try {
    return (await readFile(path, "utf8")).split(/\r?\n/, 1)[0]!
  } catch (error) {
    throw new Fault(ExitCode.usage, `${flag}: ${path} can't be read: ${(error as NodeJS.ErrnoException).code}.`)
  }
}
