import type { DialectStatus } from "../../protocol/dialectStatus.ts"
import type { Context } from "../context.ts"
import { call, callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { dialectTable } from "../render/dialect.ts"
import { printJson, printLine } from "../stdio.ts"

export interface DialectOptions {
  readonly name: string
  readonly args: ReadonlyArray<string>
  readonly json: boolean
}

interface List {
  readonly dialects: ReadonlyArray<DialectStatus>
}

const called = ({ args, name }: Pick<DialectOptions, "args" | "name">): string => [name, ...args].join(" ")

/** `hob dialect ls` */
export const dialectList = async (context: Context, options: { readonly json: boolean }): Promise<number> => {
  const { dialects } = await callAgain<List>(context, "dialects.list", () => ({}))
  if (options.json) printJson({ dialects })
  else printLine(dialectTable(dialects, Date.now()))
  return ExitCode.ok
}

/** `hob dialect enable` */
export const dialectEnable = async (context: Context, options: DialectOptions): Promise<number> => {
  const { args, json, name } = options
  const dialect = await call<DialectStatus>(context, "dialects.enable", { name, args })
  if (json) printJson({ dialect })
  else printLine(`${called(dialect)} is answered at ${dialect.socket}, now and after each start of hob.`)
  return ExitCode.ok
}

/** `hob dialect disable` */
export const dialectDisable = async (context: Context, options: DialectOptions): Promise<number> => {
  const { args, json, name } = options
  const params = args.length === 0 ? { name } : { name, args }
  const { dialects } = await call<List>(context, "dialects.disable", params)
  if (json) printJson({ dialects })
  else if (dialects.length === 0) printLine(`${called(options)} was not enabled.`)
  else for (const dialect of dialects) printLine(`${called(dialect)} is not answered any more. Its sessions run on.`)
  return ExitCode.ok
}
