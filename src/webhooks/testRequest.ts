import { Effect } from "effect"
import { request } from "node:http"

const ANSWER_MILLIS = 65_000
const LONGEST = 8 * 1024 * 1024

/** Sends a body to a webhook and gives the answer; the reason when there is none. */
export const send = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer
): Effect.Effect<{ readonly status: number; readonly text: string }, string> =>
  Effect.callback((resume) => {
    const sent = request(
      url,
      {
        method: "POST",
        agent: false,
        timeout: ANSWER_MILLIS,
        headers: { ...headers, "content-type": "application/json", "content-length": body.length }
      },
      (response) => {
        const chunks: Array<Buffer> = []
        let bytes = 0
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes <= LONGEST) chunks.push(chunk)
        })
        response.on("end", () => {
          resume(Effect.succeed({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
        })
      }
    )
    sent.on("timeout", () => sent.destroy(new Error("no answer")))
    sent.on("error", (error) => resume(Effect.fail(error.message)))
    sent.end(body)
    return Effect.sync(() => sent.destroy())
  })
