import { type Dialect, EventStream, json, type Part } from "./ModelServer.ts"

interface Body {
  readonly model?: string
  readonly stream?: boolean
  readonly tools?: ReadonlyArray<unknown>
}

const usage = { input_tokens: 1200, output_tokens: 42, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
let ids = 0

const write = async (stream: EventStream, parts: ReadonlyArray<Part>, body: unknown): Promise<void> => {
  const send = (data: { readonly type: string } & Readonly<Record<string, unknown>>) => stream.send(data, data.type)
  const message = {
    id: `msg_${++ids}`,
    type: "message",
    role: "assistant",
    model: (body as Body).model ?? "claude",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...usage, output_tokens: 1 }
  }
  send({ type: "message_start", message })
  let index = -1
  const block = async (content_block: unknown, deltas: (delta: (value: unknown) => void) => Promise<void>) => {
    index += 1
    send({ type: "content_block_start", index, content_block })
    await deltas((delta) => send({ type: "content_block_delta", index, delta }))
    send({ type: "content_block_stop", index })
  }
  for (const part of parts) {
    if ("pauseMillis" in part) {
      await stream.pause(part.pauseMillis)
    } else if ("say" in part) {
      await block({ type: "text", text: "" }, (delta) =>
        stream.spell(part.say, part.everyMillis ?? 40, (text) => delta({ type: "text_delta", text }))
      )
    } else if ("think" in part) {
      await block({ type: "thinking", thinking: "", signature: "" }, async (delta) => {
        await stream.spell(part.think, part.everyMillis ?? 40, (thinking) =>
          delta({ type: "thinking_delta", thinking })
        )
        delta({ type: "signature_delta", signature: "c2lnbmF0dXJl" })
      })
    } else {
      await block({ type: "tool_use", id: `toolu_${++ids}`, name: part.call, input: {} }, async (delta) =>
        delta({ type: "input_json_delta", partial_json: JSON.stringify(part.input) })
      )
    }
  }
  const stop_reason = parts.some((part) => "call" in part) ? "tool_use" : "end_turn"
  send({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage })
  send({ type: "message_stop" })
  stream.end()
}

/** Anthropic's Messages API. Requests without tools are titles and the like, beside the conversation. */
export const anthropic: Dialect = {
  conversation: (path, body) =>
    path.startsWith("/v1/messages") && !path.includes("count_tokens") && ((body as Body).tools?.length ?? 0) > 0,
  aside: (path, body, response) => {
    if (path.includes("count_tokens")) return json(response, { input_tokens: 1200 })
    if (!path.startsWith("/v1/messages")) return json(response, {}, 404)
    const { model = "claude", stream } = body as Body
    if (stream !== true) {
      const content = [{ type: "text", text: "{}" }]
      return json(response, {
        id: "msg_0",
        type: "message",
        role: "assistant",
        model,
        content,
        stop_reason: "end_turn",
        usage
      })
    }
    void write(new EventStream(response), [{ say: '{"title": "A small task"}', everyMillis: 0 }], body)
  },
  failure: (status, message) => ({
    type: "error",
    error: { type: status === 529 ? "overloaded_error" : "api_error", message }
  }),
  answer: write
}
