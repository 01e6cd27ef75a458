/** photon's function that calls a method, over hob's own protocol: each photon is a namespace. */
import type { CallItem } from "../protocol/methods.ts"
import { ask } from "./askPerson.ts"
import { photonSocket } from "./photonAsk.ts"
import { open } from "./wire/bare.ts"

/**
 * Calls a method of a photon and gives what it returned. What it asks is asked at this process's terminal; without one it
 * hears that there is nobody to ask. Rejects with what the method threw.
 */
export const sendCommand = async (
  photonName: string,
  method: string,
  args: Record<string, unknown> = {}
): Promise<any> => {
  const client = await open(await photonSocket())
  try {
    const called = { namespace: photonName, method, params: args }
    for await (const item of client.subscribe("methods.call", called) as AsyncGenerator<CallItem>) {
      if (item.type === "result") return item.value
      if (item.type !== "prompt") continue
      const answer = process.stdin.isTTY ? await ask(item.question) : { reason: "Its caller has no terminal." }
      await client.call("methods.answer", { prompt: item.prompt, ...answer })
    }
    throw new Error("Connection closed before receiving response")
  } finally {
    client.close()
  }
}
