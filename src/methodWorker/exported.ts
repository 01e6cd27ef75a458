/** Which of what a module exports are methods. */
import type { Declarations } from "./types.ts"

/** A method as it is called. */
export type Method = (params: unknown, context: unknown) => unknown

export interface Exported {
  readonly kind: "class" | "functions"
  readonly methods: ReadonlyMap<string, Method>
  readonly declarations: Declarations
  /** What `this` is in the methods; undefined: the context of the call. */
  readonly instance: object | undefined
}

/** Nothing in the module can be called; the message says what could. */
export class NoMethods extends Error {}

/** Every object has these: they are called by the language, not by callers. */
const everyObjects = new Set(Object.getOwnPropertyNames(Object.prototype))

/** Run at the beginning and at the end, not by callers. */
const lifecycle = new Set(["onInitialize", "onShutdown"])

const NAME = /^[^\s\p{Cc}/]{1,128}$/u

const isName = (name: string): boolean =>
  !name.startsWith("_") && !everyObjects.has(name) && NAME.test(name) && name.isWellFormed()

type Constructor = new () => object

const isClass = (value: unknown): value is Constructor =>
  typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value))

/**
 * A default-exported class: the methods of the class itself and functions that its instance has of its own. Otherwise
 * the functions among the named exports, and in a default-exported object. Names that begin with `_`, and those that
 * every object has, are no methods. `prepare` is given the class before its one instance is made.
 */
export const exportedMethods = (module: object, prepare: (constructor: Constructor) => void): Exported => {
  const chosen = Object.getOwnPropertyDescriptor(module, "default")?.value as unknown
  // A CommonJS module that was compiled from an ES module.
  const inner = isObject(chosen) && isClass(chosen["default"]) ? chosen["default"] : chosen
  return isClass(inner) ? ofClass(inner, prepare) : ofFunctions(module, inner)
}

const ofClass = (constructor: Constructor, prepare: (constructor: Constructor) => void): Exported => {
  const prototype = constructor.prototype as object
  const methods = new Map<string, Method>()
  const add = (owner: object) => {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      if (typeof value === "function" && isName(name) && !lifecycle.has(name)) methods.set(name, value as Method)
    }
  }
  add(prototype)
  const declared = Object.getOwnPropertyDescriptor(constructor, "methods")?.value as unknown
  prepare(constructor)
  const instance = new constructor()
  add(instance)
  if (methods.size === 0) {
    throw new NoMethods(
      `its class ${constructor.name} has no methods: names that begin with "_" are not counted, nor what it inherits`
    )
  }
  return { kind: "class", methods, declarations: isObject(declared) ? (declared as Declarations) : {}, instance }
}

const ofFunctions = (module: object, chosen: unknown): Exported => {
  const methods = new Map<string, Method>()
  const add = (owner: object) => {
    for (const name of Object.keys(owner)) {
      const value = (owner as Record<string, unknown>)[name]
      if (typeof value === "function" && !isClass(value) && isName(name) && name !== "default")
        methods.set(name, value as Method)
    }
  }
  if (isObject(chosen)) add(chosen)
  add(module)
  if (typeof chosen === "function" && isName(chosen.name) && chosen.name !== "default" && chosen.name !== "")
    methods.set(chosen.name, chosen as Method)
  if (methods.size === 0) {
    throw new NoMethods(
      'it exports nothing that can be called: export functions by name, or a class as the default ("export default class …")'
    )
  }
  const declared = Object.getOwnPropertyDescriptor(module, "methods")?.value as unknown
  const ofDefault = isObject(chosen) ? chosen["methods"] : undefined
  const declarations = isObject(declared) ? declared : isObject(ofDefault) ? ofDefault : {}
  return { kind: "functions", methods, declarations: declarations as Declarations, instance: undefined }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null
