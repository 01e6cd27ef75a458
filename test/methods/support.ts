import { Context, Effect } from "effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Concerns } from "../../src/actors/Concerns.ts"
import { type Invocation, Methods } from "../../src/methods/Methods.ts"
import type { MethodName } from "../../src/protocol/methodNames.ts"
import type { ModuleInfo } from "../../src/protocol/methods.ts"
import { defaultNamespace, type Namespace } from "../../src/protocol/namespaces.ts"
import { embedded } from "../support/embedded.ts"

/** A directory of files, gone with its scope: gives the path of each. */
export const written = (files: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "hob-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 20 }))
    )
    const write = (name: string, source: string): string => {
      const path = join(directory, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, source)
      return path
    }
    const paths = Object.fromEntries(Object.entries(files).map(([name, source]) => [name, write(name, source)]))
    return { directory, paths, write }
  })

export const method = (name: string) => name as MethodName
export const namespace = (name: string) => name as Namespace

/** A whole daemon in this process, with methods at hand. Settings as variables: `HOB_METHODS_GRACE_MILLIS`. */
export const daemon = (env: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const { connect, context, paths, stop } = yield* embedded({ env })
    const methods = Context.get(context, Methods)
    const concerns = Context.get(context, Concerns)
    const call = (name: string, params?: unknown, more: Partial<Invocation> = {}) =>
      methods.invoke({
        namespace: defaultNamespace,
        method: method(name),
        params,
        caller: { kind: "person" },
        ...more
      })
    const info = (file: string): Effect.Effect<ModuleInfo> =>
      Effect.map(methods.modules({ all: true }), (modules) => modules.find((module) => module.file === file)!)
    return {
      connect,
      /** Ends the daemon, its home kept. */
      stop,
      concerns,
      paths,
      methods,
      call,
      /** Calls it in a fiber of its own. */
      begin: (name: string, params?: unknown, more?: Partial<Invocation>) => Effect.forkChild(call(name, params, more)),
      add: (file: string, where: Namespace = defaultNamespace) => methods.add(where, file),
      info
    }
  })

/** Waits until it is so. */
export const until = <E>(what: string, check: Effect.Effect<boolean, E>): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    const deadline = performance.now() + 110_000
    while (!(yield* check)) {
      if (performance.now() > deadline) return yield* Effect.die(new Error(`still not: ${what}`))
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
    }
  })

/** What it fails with. */
export const failure = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<E, A> => Effect.flip(effect)
