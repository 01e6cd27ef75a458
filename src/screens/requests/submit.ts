import { Schema } from "effect"
import type { Submitted } from "../../protocol/screens.ts"
import { SendReply } from "../../protocol/sessionHost.ts"
import { plainScreen } from "../../terminal/plain.ts"
import { type HostConnection, Refused } from "../HostConnection.ts"
import type { Keeper } from "../Keeper.ts"
import { ScreensFailure } from "../ScreensFailure.ts"
import { inTurn } from "../submit/inTurn.ts"
import { type Addressee, NotTaken, submit } from "../submit/submit.ts"
import type { KnownActivities } from "./wait.ts"

const decodeReply = Schema.decodeUnknownSync(SendReply)
const nothing = Buffer.alloc(0)

/** Types `text` as one message, behind those of others, and has it taken; rejects with {@link ScreensFailure}, `not-taken` or `ended`. */
export const submitTo = async (
  keeper: Keeper,
  { activities, host }: { readonly activities: KnownActivities; readonly host: HostConnection },
  text: string,
  timeoutMillis: number
): Promise<Submitted> => {
  const deadline = performance.now() + timeoutMillis
  try {
    return await inTurn(keeper, () => {
      if (!keeper.live) throw new ScreensFailure("ended", `Session ${keeper.id} has ended.`)
      const rest = deadline - performance.now()
      if (rest <= 0)
        throw new NotTaken("Other messages were before this one for all the time it had; nothing was typed.")
      return submit(addressee(keeper, activities, host), text, rest)
    })
  } catch (error) {
    throw error instanceof NotTaken ? new ScreensFailure("not-taken", error.message) : error
  }
}

const addressee = (keeper: Keeper, activities: KnownActivities, host: HostConnection): Addressee => {
  const screen = () => plainScreen(keeper.wake().emulator)
  const send = async (data: Buffer) =>
    decodeReply(await host.call({ op: "send", session: keeper.id, data: data.toString("base64") }))
  return {
    view: () => {
      const { alternate, cursor, rows } = screen()
      return { lines: rows, cursor, alternate }
    },
    bracketedPaste: () => screen().bracketedPaste,
    asking: () => activities.asking(keeper.id),
    activity: () => activities.of(keeper.id)?.state ?? "unknown",
    onChange: (listener) => {
      const leaving = [
        keeper.listen({ changed: listener }),
        activities.listen((session) => session === keeper.id && listener())
      ]
      return () => leaving.forEach((leave) => leave())
    },
    type: async (data) => {
      try {
        await send(data)
        return true
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        if (error.code === "ended" || error.code === "unknown-session") return false
        throw error.code === "input-queue-full" ? new ScreensFailure("input-queue-full", error.message) : error
      }
    },
    queuedBytes: async () => (keeper.live ? (await send(nothing)).queuedBytes : 0),
    ended: () => !keeper.live
  }
}
