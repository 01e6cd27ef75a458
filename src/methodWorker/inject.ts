import { AsyncLocalStorage } from "node:async_hooks"
import { EventEmitter } from "node:events"
import type { Context } from "./types.ts"

/** Whose call it is, wherever in the module's code. */
export const currentCall = new AsyncLocalStorage<Context>()

const names = [
  "emit",
  "publish",
  "lock",
  "prompt",
  "progress",
  "sessions",
  "signal",
  "namespace",
  "method",
  "caller"
] as const satisfies ReadonlyArray<keyof Context>

/**
 * Gives a class's prototype what methods use as `this.emit` and so on: one instance serves many calls at once, so each
 * looks up the call that it is made in, and outside of any call `idle`. A class that has something of that name itself
 * keeps it. An inherited `emit` goes, unless it is that of an event emitter: photon's base class has one.
 */
export const inject = (constructor: new () => object, idle: Context): void => {
  const prototype = constructor.prototype as object
  for (const name of names) {
    const isTaken =
      Object.hasOwn(prototype, name) || (name in prototype && (name !== "emit" || prototype instanceof EventEmitter))
    if (isTaken) continue
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: false,
      get: () => (currentCall.getStore() ?? idle)[name],
      // A field or an assignment of this name is the author's own.
      set(this: object, value: unknown) {
        Object.defineProperty(this, name, { configurable: true, enumerable: true, writable: true, value })
      }
    })
  }
}
