/** How a template of the configuration becomes what is started. Pure. */
import { isAbsolute, join, resolve } from "node:path"
import { Result } from "effect"
import { nearest } from "../config/nearest.ts"
import { SpawnFailed, type Template } from "../protocol/index.ts"
import type { RunOptions } from "./start.ts"

/** What `sessions.run` is asked for, with a template or without. */
export interface TemplateOptions extends RunOptions {
  readonly template?: string
  readonly callerCwd?: string
  readonly overrideEnv?: Readonly<Record<string, string>>
}

/** `~` and `~/…` are below the HOME that the program gets; what is relative is below the caller's directory. */
const directoryOf = (cwd: string, caller: string, home: string): string =>
  cwd === "~" ? home : cwd.startsWith("~/") ? join(home, cwd.slice(2)) : resolve(caller, cwd)

/**
 * The options with what the template says where they say nothing. The command is the template's with the one of the
 * options behind it; variables of the template go before the caller's, and `overrideEnv` before both.
 */
export const applyTemplate = (
  options: TemplateOptions,
  templates: Readonly<Record<string, Template>>,
  home: string
): Result.Result<RunOptions, SpawnFailed> => {
  const { callerCwd, overrideEnv, template: name, ...asked } = options
  if (name === undefined) return Result.succeed({ ...asked, extraEnv: { ...asked.extraEnv, ...overrideEnv } })
  const template = Object.hasOwn(templates, name) ? templates[name] : undefined
  if (template === undefined) {
    const likely = nearest(name, Object.keys(templates))
    const hint = likely === undefined ? "`hob templates` lists them." : `Did you mean "${likely}"?`
    const detail = `There is no template "${name}" in the configuration. ${hint}`
    return Result.fail(new SpawnFailed({ reason: "unknown-template", subject: name, detail }))
  }
  const { command, cwd, env, limits, tags, ...rest } = template
  const here = callerCwd ?? home
  const homes = [overrideEnv, env, asked.env].map((variables) => variables?.["HOME"])
  const itsHome = homes.find((path) => path !== undefined && isAbsolute(path)) ?? home
  const all = [...(tags ?? []), ...(asked.tags ?? [])]
  return Result.succeed({
    ...rest,
    ...asked,
    command: [...command, ...(asked.command ?? [])],
    cwd: asked.cwd ?? (cwd === undefined ? here : directoryOf(cwd, here, itsHome)),
    ...(all.length === 0 ? {} : { tags: [...new Set(all)] }),
    limits: { ...limits, ...asked.limits },
    extraEnv: { ...env, ...overrideEnv }
  })
}
