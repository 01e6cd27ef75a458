/** What a method gives, as JSON: where JSON.stringify would drop or change something in silence, that is a problem. */
import { messageOf } from "./messageOf.ts"

export interface NotJson {
  readonly problem: string
}

/** Deeper values can't be read by everybody. */
const DEPTH = 200

/** Undefined of `undefined`: there is no JSON for it, and nothing is wrong with it. */
export const jsonText = (value: unknown): string | undefined | NotJson => {
  switch (typeof value) {
    case "undefined":
      return undefined
    case "string":
    case "boolean":
      return JSON.stringify(value)
    default:
      // Getters, traps of proxies and toJSON are code of the module's: they may throw, or come to nothing.
      try {
        const problem = problemOf(value, "", 0)
        return problem === undefined ? JSON.stringify(value) : { problem }
      } catch (error) {
        return { problem: messageOf(error) }
      }
  }
}

const problemOf = (value: unknown, path: string, depth: number): string | undefined => {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : `${value} is not JSON${at(path)}`
    case "bigint":
      return `a BigInt is not JSON${at(path)}; return a number or a string`
    case "function":
    case "symbol":
      return `a ${typeof value} is not JSON${at(path)}`
    case "object":
      return value === null ? undefined : problemOfObject(value, path, depth)
    default:
      return undefined
  }
}

const problemOfObject = (value: object, path: string, depth: number): string | undefined => {
  if (depth === DEPTH) return `it is nested more than ${DEPTH} levels deep, or refers to itself${at(path)}`
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const problem = problemOf(value[index], `${path}[${index}]`, depth + 1)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const name = kindOf(value)
    if (name !== undefined) return `${name} is not JSON${at(path)}`
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return undefined
  for (const key of Object.keys(value)) {
    const problem = problemOf((value as Record<string, unknown>)[key], path === "" ? key : `${path}.${key}`, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

const at = (path: string): string => (path === "" ? "" : ` (at ${path.slice(0, 200)})`)

/** What JSON.stringify would make `{}` of, or worse. */
const kindOf = (value: object): string | undefined => {
  if (value instanceof Map) return "a Map"
  if (value instanceof Set) return "a Set"
  if (value instanceof Promise) return "a Promise"
  if (value instanceof Error) return "an Error"
  if (value instanceof RegExp) return "a RegExp"
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return "binary data"
  if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) return "a weak reference"
  return undefined
}
