import { ask } from "../../client/askPerson.ts"
import { readFileSync } from "node:fs"
import { isatty } from "node:tty"
import type { CallItem } from "../../protocol/methods.ts"
import type { Context } from "../context.ts"
import { open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { oneLine } from "../render/text.ts"
import { printError, printLine } from "../stdio.ts"

export interface MethodsCallOptions {
  readonly method: string
  /** JSON; `-` reads it from standard input. Null: none. */
  readonly params: string | null
  readonly namespace: string | null
  readonly timeout: number | null
  readonly json: boolean
}

/** `hob methods call`: the result on standard output; progress and what the method emits on standard error. */
export const methodsCall = async (context: Context, options: MethodsCallOptions): Promise<number> => {
  const { method, namespace, timeout } = options
  const params = paramsOf(options.params)
  const mayAsk = options.params !== "-" && isatty(0)
  const client = await open(context)
  const answer = async (item: Extract<CallItem, { type: "prompt" }>): Promise<void> => {
    const answered = mayAsk
      ? await ask(item.question)
      : { reason: "There is no terminal to ask on: call it in a terminal, or give what it asks for as a parameter." }
    await client.call("methods.answer", { prompt: item.prompt, ...answered })
  }
  try {
    const items = client.subscribe("methods.call", {
      method,
      ...(namespace === null ? {} : { namespace }),
      ...(params === undefined ? {} : { params }),
      ...(timeout === null ? {} : { timeoutMillis: timeout })
    }) as AsyncGenerator<CallItem>
    for await (const item of items) {
      if (item.type === "result") printResult(item.value, options.json)
      else if (item.type === "prompt") await answer(item)
      else tell(item, options.json)
    }
    return ExitCode.ok
  } finally {
    client.close()
  }
}

const paramsOf = (text: string | null): unknown => {
  if (text === null) return undefined
  const json = text === "-" ? readFileSync(0, "utf8") : text
  try {
    return JSON.parse(json) as unknown
  } catch (error) {
    throw new Fault(
      ExitCode.usage,
      `The parameters are no JSON: ${(error as Error).message}.`,
      `Such as: hob methods call METHOD '{"name": "Ada"}'`
    )
  }
}

/** With `json` as it is; without, a text is printed as the text that it is. */
const printResult = (value: unknown, json: boolean): void => {
  if (json) printLine(JSON.stringify(value ?? null))
  else if (typeof value === "string") printLine(value)
  else if (value !== undefined) printLine(JSON.stringify(value, null, 2))
}

const tell = (item: Exclude<CallItem, { type: "result" | "prompt" }>, json: boolean): void => {
  if (json) return printError(JSON.stringify(item))
  switch (item.type) {
    case "progress": {
      const percent = item.percent === undefined ? "" : `${Math.floor(item.percent)} %`.padStart(5)
      return printError(`${percent} ${oneLine(item.description ?? "")}`.trim())
    }
    case "emitted":
      return printError(typeof item.value === "string" ? oneLine(item.value) : JSON.stringify(item.value))
    case "dropped":
      return printError(`(${item.count} more were left out)`)
  }
}
