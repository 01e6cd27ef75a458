import { type Dialect, type EventStream, json, type Part } from "./ModelServer.ts"

const usageMetadata = { promptTokenCount: 1200, candidatesTokenCount: 42, totalTokenCount: 1242 }

const chunk = (parts: ReadonlyArray<unknown>, finishReason?: string) => ({
  candidates: [
    { index: 0, content: { role: "model", parts }, ...(finishReason === undefined ? {} : { finishReason }) }
  ],
  usageMetadata,
  modelVersion: "gemini"
})

const write = async (stream: EventStream, parts: ReadonlyArray<Part>): Promise<void> => {
  for (const part of parts) {
    if ("pauseMillis" in part) await stream.pause(part.pauseMillis)
    else if ("say" in part)
      await stream.spell(part.say, part.everyMillis ?? 40, (text) => stream.send(chunk([{ text }])))
    else if ("think" in part) {
      await stream.spell(part.think, part.everyMillis ?? 40, (text) => stream.send(chunk([{ text, thought: true }])))
    } else stream.send(chunk([{ functionCall: { name: part.call, args: part.input } }]))
  }
  stream.send(chunk([{ text: "" }], "STOP"))
  stream.end()
}

const isStream = (path: string) => path.includes(":streamGenerateContent")
const hasTools = (body: unknown) => ((body as { readonly tools?: ReadonlyArray<unknown> }).tools?.length ?? 0) > 0

/** Google's generateContent API, streamed and not. What is asked without tools is beside the conversation. */
export const gemini: Dialect = {
  conversation: (path, body) => isStream(path) && hasTools(body),
  aside: (path, _body, response) => {
    if (path.includes(":countTokens")) return json(response, { totalTokens: 1200 })
    if (!path.includes(":generateContent") && !isStream(path)) return json(response, { models: [] })
    const aside = chunk(
      [
        {
          text: '{"reasoning": "simple", "next_speaker": "user", "model_choice": "flash", "complexity_score": 10, "complexity_reasoning": "simple"}'
        }
      ],
      "STOP"
    )
    if (!isStream(path)) return json(response, aside)
    response.writeHead(200, { "content-type": "text/event-stream" })
    response.end(`data: ${JSON.stringify(aside)}\n\n`)
  },
  failure: (code, message) => ({
    error: { code, message, status: code === 429 ? "RESOURCE_EXHAUSTED" : "UNAVAILABLE" }
  }),
  answer: (stream, parts) => write(stream, parts)
}
