import { resolve } from "node:path"
import type { MethodInfo, ModuleInfo } from "../../protocol/methods.ts"
import type { Context } from "../context.ts"
import { call, callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { methodsPage } from "../render/methods.ts"
import { plural } from "../render/text.ts"
import { printError, printJson, printLine } from "../stdio.ts"

/** Longer than a module may take to load. */
const LOAD_WITHIN_MILLIS = 10 * 60_000

export interface ModuleOptions {
  readonly file: string
  readonly namespace: string | null
  readonly json: boolean
}

const where = (namespace: string | null) => (namespace === null ? {} : { namespace })

/** `hob methods add` */
export const methodsAdd = async (context: Context, { file, json, namespace }: ModuleOptions): Promise<number> => {
  const params = { ...where(namespace), file: resolve(file) }
  const added = await call<{ readonly module: ModuleInfo; readonly methods: ReadonlyArray<MethodInfo> }>(
    context,
    "methods.add",
    params,
    LOAD_WITHIN_MILLIS
  )
  if (json) printJson(added)
  else for (const { method } of added.methods) printLine(method)
  return ExitCode.ok
}

export interface MethodsListOptions {
  readonly namespace: string | null
  readonly all: boolean
  readonly json: boolean
}

/** `hob methods ls` */
export const methodsList = async (context: Context, options: MethodsListOptions): Promise<number> => {
  const { all, json, namespace } = options
  const known = await callAgain<{
    readonly modules: ReadonlyArray<ModuleInfo>
    readonly methods: ReadonlyArray<MethodInfo>
  }>(context, "methods.list", () => ({ ...where(namespace), ...(all ? { all } : {}) }))
  if (json) printJson(known)
  else if (known.modules.length + known.methods.length > 0)
    printLine(methodsPage(known.modules, known.methods, Date.now(), all))
  else
    printLine(
      "No methods. `hob methods add FILE` adds those of a module; `hob methods ls --all` shows every namespace."
    )
  return ExitCode.ok
}

export interface MethodsReloadOptions {
  readonly file: string | null
  readonly namespace: string | null
  readonly json: boolean
}

/** `hob methods reload`: 1 if one of them can't be loaded. */
export const methodsReload = async (
  context: Context,
  { file, json, namespace }: MethodsReloadOptions
): Promise<number> => {
  const params = { ...where(namespace), ...(file === null ? {} : { file: resolve(file) }) }
  const { modules } = await call<{ readonly modules: ReadonlyArray<ModuleInfo> }>(
    context,
    "methods.reload",
    params,
    LOAD_WITHIN_MILLIS
  )
  const failed = modules.filter(({ problem }) => problem !== null)
  if (json) printJson({ modules })
  else {
    for (const { file, problem, state } of failed) {
      const old = state === "up" ? " The code of before stays in charge." : ""
      printError(`hob: ${file} can't be loaded: ${problem!.reason}.${old}`)
    }
    printLine(`${plural(modules.length - failed.length, "module")} loaded.`)
  }
  return failed.length === 0 ? ExitCode.ok : ExitCode.failure
}

/** `hob methods rm` */
export const methodsRemove = async (context: Context, { file, json, namespace }: ModuleOptions): Promise<number> => {
  const removed = await call<{ readonly module: ModuleInfo }>(context, "methods.remove", {
    ...where(namespace),
    file: resolve(file)
  })
  if (json) printJson(removed)
  return ExitCode.ok
}
