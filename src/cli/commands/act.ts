import { Context, Data, Effect } from "effect"
import { loadConfig } from "../../config/loadConfig.ts"
import type { Paths } from "../../config/paths.ts"
import { type Context as Command, makeContext } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { report } from "../report.ts"
import { hob } from "./root.ts"

/** A command has ended, and not with 0. What there was to say has been said. */
export class Exited extends Data.TaggedError("Exited")<{ readonly code: number }> {}

/** Where the daemon of this command is. */
export class Home extends Context.Service<Home, Paths>()("hob/cli/Home") {}

/** A mistake in `-c` is told whether a daemon has to be started with it or not. */
const checkSettings = Effect.fnUntraced(function* ({ env, paths, settings }: Command) {
  if (settings.length === 0) return
  yield* Effect.catch(loadConfig({ paths, env, flags: settings }), ({ message, source }) =>
    source === "flag" ? Effect.fail(new Exited({ code: report(new Fault(ExitCode.usage, message)) })) : Effect.void
  )
})

type Action = (context: Command) => Promise<number>

/** A command's handler: the same function that the hot path calls. */
export const act = (action: Action) => Effect.andThen(Effect.flatMap(theContext, checkSettings), actUnchecked(action))

/** The same for a command that finds out by itself what is wrong with `-c`. */
export const actUnchecked = Effect.fnUntraced(function* (action: Action) {
  const context = yield* theContext
  const code = yield* Effect.tryPromise({
    try: () => action(context),
    catch: (error) => new Exited({ code: report(error) })
  })
  if (code !== ExitCode.ok) return yield* new Exited({ code })
})

const theContext = Effect.gen(function* () {
  return makeContext(yield* Home, process.env, yield* hob)
})
