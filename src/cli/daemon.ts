import * as bare from "../client/wire/bare.ts"
import { isAway, isPassing as isConnectionPassing, isStopping } from "../client/wire/passing.ts"
import type { Context } from "./context.ts"
import { ExitCode, Fault } from "./exit.ts"
import { wouldBeStarted } from "../config/recordedDaemon.ts"

/** A failure that asking again may mend: of the connection, or because the session-host is being restarted. */
export const isPassing = (error: unknown): boolean =>
  isConnectionPassing(error) || (error instanceof bare.CallError && error.data?._tag === "SessionHostUnavailable")

/** A connection to this home's daemon; starts one if there is none and the context allows it. */
export const open = async (context: Context): Promise<bare.BareClient> => {
  if (!context.mayStart && wouldBeStarted(context.paths, context.env)) throw new NobodyThere()
  try {
    return await bare.open(context.paths.socket)
  } catch (error) {
    if (!isAway(error)) throw error
    return bare.open(await ensure(context))
  }
}

/** Told like a socket that nobody listens on. */
class NobodyThere extends Error {
  override readonly name = "NotRunning"
}

/** Finds the daemon, or starts it: the path of its socket. Loaded only when it is needed: most commands find it at once. */
const ensure = async (context: Context): Promise<string> => {
  const { ensureDaemon } = await import("../client/start.ts")
  const flags = context.settings.flatMap((setting) => ["-c", setting])
  const { socket } = await ensureDaemon({ paths: context.paths, start: context.mayStart, flags })
  return socket
}

/** Methods that may rightly take as long as they like. */
const WAITING: ReadonlySet<string> = new Set([
  "sessions.wait",
  "sessions.kill",
  "sessions.remove",
  "daemon.stop",
  "locks.acquire",
  "schedule.run"
])
/** Longer than the daemon gives its session-host to answer. */
const ANSWER_WITHIN_MILLIS = 30_000
/** All that a session printed may have to be read first; the daemon gives that two minutes. */
const READING: ReadonlySet<string> = new Set(["sessions.text", "sessions.screen"])
const READ_WITHIN_MILLIS = 150_000

/** One call on a connection of its own. The result is trusted to be what the protocol says. */
export const call = async <T>(
  context: Context,
  method: string,
  params: unknown,
  timeoutMillis?: number
): Promise<T> => {
  const client = await open(context)
  try {
    const within = READING.has(method) ? READ_WITHIN_MILLIS : ANSWER_WITHIN_MILLIS
    const deadline = timeoutMillis ?? (WAITING.has(method) ? undefined : within)
    return (await client.call(method, params, deadline === undefined ? {} : { timeoutMillis: deadline })) as T
  } catch (error) {
    if (timeoutMillis !== undefined || !(error instanceof bare.CallTimedOut)) throw error
    throw new Fault(
      ExitCode.failure,
      "The daemon accepts connections and does not answer.",
      "`hob status` tells its pid; `hob stop --force` ends it. Sessions run on, and the next command starts a new one."
    )
  } finally {
    client.close()
  }
}

const FIRST_RETRY_MILLIS = 50
const LAST_RETRY_MILLIS = 1000
const GIVE_UP_MILLIS = 60_000

/**
 * A call that may be made twice: goes on asking while the daemon is restarted or killed, for up to a minute without an
 * answer. `params` is asked for each attempt.
 */
export const callAgain = async <T>(context: Context, method: string, params: () => unknown): Promise<T> => {
  let failingSince: number | undefined
  for (let pause = FIRST_RETRY_MILLIS; ; pause = Math.min(pause * 2, LAST_RETRY_MILLIS)) {
    const began = Date.now()
    try {
      return await call<T>(context, method, params())
    } catch (error) {
      const wasAnswering = error instanceof bare.ConnectionLost && Date.now() - began > LAST_RETRY_MILLIS
      failingSince = wasAnswering ? Date.now() : (failingSince ?? began)
      // The first answer decides: a command that finds no daemon says so at once.
      const first = failingSince === began && !(error instanceof bare.ConnectionLost) && !isStopping(error)
      if (first || !isPassing(error) || Date.now() - failingSince > GIVE_UP_MILLIS) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}
