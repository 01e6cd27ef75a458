import { assert, describe, it } from "vitest"
import { until } from "../../support/home.ts"
import { makePhotonHome } from "./home.ts"

describe("a subscriber of photon whose daemon died", () => {
  for (const keep of ["disk", "memory"] as const) {
    it(`${keep === "disk" ? "gets what it missed" : "is told to read everything anew"} where channels are kept ${keep === "disk" ? "on disk" : "in memory"}`, async () => {
      const home = await makePhotonHome(["kanban"], { HOB_CHANNELS_KEEP: keep })
      try {
        const { client } = home
        const publish = async (message: string): Promise<number> =>
          (await client.ask({ type: "publish", id: "p", channel: "board:a::b", message })).eventId
        const seen = await publish("seen")
        const missed = await publish("missed")
        await home.killDaemon()
        await home.ok(["start"])
        const isAnswered = () =>
          client.once({ type: "ping", id: "1" }).then(
            () => true,
            () => false
          )
        await until("it is answered again", isAnswered)
        const listener = await client.open()
        const heard = await listener.ask({ type: "subscribe", id: "s", channel: "board:*", lastEventId: seen })
        if (keep === "memory") assert.deepStrictEqual(heard, { type: "refresh_needed", id: "s", channel: "board:*" })
        else {
          assert.deepInclude(heard, { channel: "board:a::b", message: "missed", eventId: missed, replay: true })
        }
        assert.strictEqual((await listener.hear()).type, "result")
        const next = await publish("next")
        assert.isAbove(next, missed)
        assert.deepInclude(await listener.hear(), { message: "next", eventId: next })
        listener.socket.destroy()
      } finally {
        await home.destroy()
      }
    })
  }
})
