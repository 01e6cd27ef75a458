import type { Template } from "../../protocol/templates.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { limitWords } from "../render/limits.ts"
import { columns, commandLine, oneLine } from "../render/text.ts"
import { printJson, printLine } from "../stdio.ts"

export interface TemplatesOptions {
  readonly json: boolean
}

/** `hob templates` */
export const templates = async (context: Context, { json }: TemplatesOptions): Promise<number> => {
  const reply = await callAgain<{ templates: Readonly<Record<string, Template>> }>(
    context,
    "sessions.templates",
    () => ({})
  )
  if (json) {
    printJson(reply)
    return ExitCode.ok
  }
  const rows = Object.entries(reply.templates).map(([name, { command, cwd, limits, restart, tags }]) => [
    name,
    cwd === undefined ? "-" : oneLine(cwd),
    [
      ...limitWords(limits ?? {}),
      ...(restart === undefined || restart === "no" ? [] : [`restart ${restart}`]),
      ...(tags ?? []).map((tag) => `#${oneLine(tag)}`)
    ].join(", ") || "-",
    oneLine(commandLine(command))
  ])
  if (rows.length > 0) printLine(columns([["NAME", "DIRECTORY", "WITH", "COMMAND"], ...rows]))
  else {
    printLine(
      `No templates. Write them into ${context.paths.config}: {"templates": {"web": {"command": ["npm", "run", "dev"]}}}; \`hob config reload\` makes them known.`
    )
  }
  return ExitCode.ok
}
