import { homedir } from "node:os"
import { Effect, Scope, Semaphore } from "effect"
import { jsonSchemaCheck } from "../config/jsonSchema.ts"
import { commandName, type MethodCommand } from "../config/methodCommands.ts"
import { parseDuration } from "../config/quantities.ts"
import type { Settings } from "../config/settings.ts"
import { InvalidParams, InvalidResult, type MethodError, MethodsBusy } from "../protocol/methodErrors.ts"
import type { MethodInfo } from "../protocol/methods.ts"
import type { Call } from "./MethodCalls.ts"
import { runCommand } from "./runCommand.ts"

type Check = (value: unknown) => string | undefined

/** Methods that are entries of the configuration, and how they are run. */
export interface Commands {
  /** What the configuration says now. */
  readonly infos: (settings: Settings["methods"]) => ReadonlyArray<MethodInfo>
  readonly run: (info: MethodInfo, call: Call) => Effect.Effect<unknown, MethodError>
  readonly inFlight: () => number
}

export const make = (options: {
  readonly settings: () => Settings["methods"]
  readonly environment: () => Readonly<Record<string, string>>
}): Effect.Effect<Commands, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Scope.Scope
    const running = yield* Semaphore.make(options.settings().maxCommandCount)
    let inFlight = 0

    const infos: Commands["infos"] = ({ commands }) =>
      Object.entries(commands).map(([key, setting]) => infoOf(key, setting))

    const settingOf = ({ method, namespace }: MethodInfo): MethodCommand | undefined => {
      const { commands } = options.settings()
      return Object.entries(commands).find(([key]) => {
        const name = commandName(key)
        return name?.method === method && name.namespace === namespace
      })?.[1]
    }

    const run: Commands["run"] = (info, { method, namespace, params }) =>
      Effect.gen(function* () {
        const { graceMillis, maxInFlightCount, resultBytes } = options.settings()
        if (inFlight >= maxInFlightCount) return yield* new MethodsBusy({ namespace, method, inFlight })
        const setting = settingOf(info)
        const wrong = info.params === undefined ? undefined : problemOf(info.params, JSON.parse(params))
        if (wrong !== undefined) return yield* new InvalidParams({ namespace, method, problem: wrong })
        inFlight++
        const result = yield* running
          .withPermit(
            runCommand(
              {
                namespace,
                method,
                command: info.command!,
                cwd: setting?.cwd,
                env: { ...options.environment(), HOME: homedir(), ...setting?.env },
                params,
                resultBytes,
                graceMillis
              },
              scope
            )
          )
          .pipe(Effect.ensuring(Effect.sync(() => void inFlight--)))
        const problem = problemOf(info.result, result ?? null)
        if (problem !== undefined) return yield* new InvalidResult({ namespace, method, problem })
        return result
      })

    return { infos, run, inFlight: () => inFlight }
  })

const infoOf = (key: string, { command, description, params, result, timeout }: MethodCommand): MethodInfo => ({
  ...commandName(key)!,
  kind: "command",
  command,
  ...(description === undefined ? {} : { description }),
  ...(params === undefined ? {} : { params }),
  ...(result === undefined ? {} : { result }),
  ...(timeout === undefined ? {} : { timeoutMillis: parseDuration(timeout)! })
})

/** Compiled once for each schema, which is an object of the configuration. */
const checks = new WeakMap<object, Check>()

const problemOf = (schema: unknown, value: unknown): string | undefined => {
  if (schema === undefined || schema === true) return undefined
  if (typeof schema !== "object" || schema === null) return jsonSchemaCheck(schema)(value)
  let check = checks.get(schema)
  if (check === undefined) checks.set(schema, (check = jsonSchemaCheck(schema)))
  return check(value)
}
