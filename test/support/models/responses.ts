import { type Dialect, EventStream, json, type Part } from "./ModelServer.ts"

let ids = 0

const write = async (stream: EventStream, parts: ReadonlyArray<Part>): Promise<void> => {
  const id = `resp_${++ids}`
  const send = (type: string, fields: Readonly<Record<string, unknown>>) => stream.send({ type, ...fields }, type)
  send("response.created", { response: { id } })
  let output_index = -1
  for (const part of parts) {
    if ("pauseMillis" in part) {
      await stream.pause(part.pauseMillis)
      continue
    }
    output_index += 1
    if ("say" in part) {
      const item = { id: `msg_${++ids}`, type: "message", role: "assistant" }
      send("response.output_item.added", { output_index, item: { ...item, content: [] } })
      await stream.spell(part.say, part.everyMillis ?? 40, (delta) =>
        send("response.output_text.delta", { output_index, item_id: item.id, content_index: 0, delta })
      )
      const content = [{ type: "output_text", text: part.say, annotations: [] }]
      send("response.output_item.done", { output_index, item: { ...item, content } })
    } else if ("think" in part) {
      const item = { id: `rs_${++ids}`, type: "reasoning" }
      send("response.output_item.added", { output_index, item: { ...item, summary: [] } })
      send("response.reasoning_summary_part.added", { output_index, item_id: item.id, summary_index: 0 })
      await stream.spell(part.think, part.everyMillis ?? 40, (delta) =>
        send("response.reasoning_summary_text.delta", { output_index, item_id: item.id, summary_index: 0, delta })
      )
      const summary = [{ type: "summary_text", text: part.think }]
      send("response.output_item.done", { output_index, item: { ...item, summary } })
    } else {
      const call = { id: `fc_${++ids}`, call_id: `call_${ids}`, name: part.call }
      const custom = typeof part.input["patch"] === "string"
      const item = custom
        ? { type: "custom_tool_call", ...call, input: part.input["patch"] }
        : { type: "function_call", ...call, arguments: JSON.stringify(part.input) }
      send("response.output_item.done", { output_index, item })
    }
  }
  const tokens = { input_tokens: 1200, output_tokens: 42, total_tokens: 1242 }
  send("response.completed", {
    response: { id, usage: { ...tokens, input_tokens_details: null, output_tokens_details: null } }
  })
  stream.end()
}

interface Body {
  readonly tools?: ReadonlyArray<unknown>
  readonly text?: { readonly format?: unknown }
}

const isConversation = ({ text, tools = [] }: Body): boolean => tools.length > 0 && text?.format === undefined

/** OpenAI's Responses API. Requests without tools, or for an answer of some form, are titles and the like, beside the conversation. */
export const responses: Dialect = {
  conversation: (path, body) => path.endsWith("/responses") && isConversation(body as Body),
  aside: (path, _body, response) => {
    if (path.endsWith("/responses"))
      void write(new EventStream(response), [{ say: '{"title": "A small task"}', everyMillis: 0 }])
    else if (path.includes("/models")) json(response, { models: [], data: [] })
    else json(response, {}, 404)
  },
  failure: (status, message) => ({ error: { type: status === 429 ? "rate_limit_exceeded" : "server_error", message } }),
  answer: (stream, parts) => write(stream, parts)
}
