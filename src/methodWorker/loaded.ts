/** Loading the module: which files it consists of, what it exports, what is wrong with it. */
import { existsSync, realpathSync } from "node:fs"
import { registerHooks } from "node:module"
import { dirname, sep } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { inspect } from "node:util"
import { type Check, checksOf } from "./checks.ts"
import { exportedMethods, type Method } from "./exported.ts"
import { inject } from "./inject.ts"
import type { Context, Declaration } from "./types.ts"

/** A method with all that is known of it. */
export interface LoadedMethod {
  readonly call: Method
  readonly params: Check | undefined
  readonly result: Check | undefined
  readonly description: string | undefined
  readonly timeoutMillis: number | undefined
}

export interface Loaded {
  readonly kind: "class" | "functions"
  readonly methods: ReadonlyMap<string, LoadedMethod>
  readonly instance: object | undefined
}

/** Tells of every file of the module's own directory that is loaded from now on, but for installed packages. */
export const watchFiles = (file: string, seen: (file: string) => void): void => {
  const directories = [...new Set([file, realOf(file)])].map((path) => dirname(path) + sep)
  registerHooks({
    load: (url, context, next) => {
      if (url.startsWith("file:")) {
        const path = fileURLToPath(url)
        const isOwn = directories.some((directory) => path.startsWith(directory))
        if (isOwn && !path.includes(`${sep}node_modules${sep}`)) seen(path)
      }
      return next(url, context)
    }
  })
}

/** Node goes by where a link leads to. */
const realOf = (file: string): string => {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

/** Imports the module and makes its instance. Throws whatever is wrong with it. */
export const load = async (file: string, idle: Context): Promise<Loaded> => {
  if (!existsSync(file)) throw new Error("there is no such file")
  const module = (await import(pathToFileURL(file).href)) as object
  const { declarations, instance, kind, methods } = exportedMethods(module, (constructor) => inject(constructor, idle))
  for (const name of Object.keys(declarations)) {
    if (!methods.has(name)) throw new Error(`it declares methods.${name}, and has no method "${name}"`)
  }
  const loaded = new Map<string, LoadedMethod>()
  for (const [name, call] of methods) {
    const declaration = Object.hasOwn(declarations, name) ? checked(name, declarations[name]) : {}
    const { params, result } = await checksOf(file, name, declaration)
    const { description, timeoutMillis } = declaration
    loaded.set(name, { call, params, result, description, timeoutMillis })
  }
  await (instance as { onInitialize?: () => unknown } | undefined)?.onInitialize?.()
  return { kind, methods: loaded, instance }
}

const checked = (name: string, declaration: unknown): Declaration => {
  if (typeof declaration !== "object" || declaration === null) throw new Error(`methods.${name} must be an object`)
  const { description, timeoutMillis } = declaration as Declaration
  if (description !== undefined && typeof description !== "string")
    throw new Error(`methods.${name}.description must be a text`)
  if (timeoutMillis !== undefined && !(Number.isInteger(timeoutMillis) && timeoutMillis > 0))
    throw new Error(`methods.${name}.timeoutMillis must be a whole number above 0`)
  return declaration
}

/** For a person: what is wrong and where, without the stack of Node's own files. */
export const problemOf = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException | null)?.code
  const message = error instanceof Error ? error.message : inspect(error)
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND")
    return `${firstLine(message)}. Install what is missing, and reload it.`
  if (error instanceof SyntaxError) {
    // Node writes where it is above the stack.
    const [where] = inspect(error).split("\n")
    return /^(?:file:|\/)\S+:\d+$/.test(where ?? "")
      ? `${error.name}: ${firstLine(message)} (${where!.replace(/^file:\/\//, "")})`
      : `${error.name}: ${firstLine(message)}`
  }
  return firstLine(message)
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!.slice(0, 1000)
