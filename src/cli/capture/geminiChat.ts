/**
 * What Gemini CLI writes down of a session: `~/.gemini/tmp/<project>/chats/session-….jsonl`, a header and then a message
 * each line; one that comes again, with the same id, is the same with more in it. Pure. What is not understood is left out.
 */

type Line = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Line => typeof value === "object" && value !== null && !Array.isArray(value)
const objects = (value: unknown): ReadonlyArray<Line> => (Array.isArray(value) ? value.filter(isObject) : [])
const text = (value: unknown): string => (typeof value === "string" ? value : "")

export interface GeminiEdit {
  readonly tool: string
  readonly at: string | undefined
  /** As its hook has it: `filePath`, `originalContent`, `newContent`. */
  readonly display: unknown
}

/** What was asked, what was done about it, and the last that was said. */
export interface GeminiTurn {
  readonly prompt: string
  readonly at: string | undefined
  readonly edits: ReadonlyArray<GeminiEdit>
  readonly answer: string
  readonly answeredAt: string | undefined
  readonly model: string | undefined
}

export interface GeminiChat {
  readonly session: string
  /** In order: the first one is turn 1. */
  readonly turns: ReadonlyArray<GeminiTurn>
}

const parsed = (source: string): ReadonlyArray<Line> =>
  source.split("\n").flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line)
      return isObject(value) ? [value] : []
    } catch {
      return []
    }
  })

/** The lines of a file; earlier versions wrote one object with all messages. */
const linesOf = (source: string): ReadonlyArray<Line> => {
  const lines = parsed(source)
  if (lines.length > 0) return lines
  try {
    const whole: unknown = JSON.parse(source)
    return isObject(whole) ? [whole] : []
  } catch {
    return []
  }
}

const messagesOf = (line: Line): ReadonlyArray<Line> => [
  ...objects(line["messages"]),
  ...objects(isObject(line["$set"]) ? line["$set"]["messages"] : []),
  ...("type" in line ? [line] : [])
]

const contentOf = (content: unknown): string =>
  text(content) ||
  objects(content)
    .map((part) => text(part["text"]))
    .join("")

/** Answers of tools and what Gemini tells of its surroundings are messages of the user's too. */
const isPrompt = (message: Line): boolean =>
  message["type"] === "user" &&
  !objects(message["content"]).some((part) => "functionResponse" in part) &&
  contentOf(message["content"]) !== "" &&
  !contentOf(message["content"]).startsWith("<session_context>")

const editsOf = (messages: ReadonlyArray<Line>): ReadonlyArray<GeminiEdit> =>
  messages
    .flatMap((message) => objects(message["toolCalls"]))
    .filter((call) => call["status"] === "success" && isObject(call["resultDisplay"]))
    .map((call) => ({
      tool: text(call["name"]),
      at: text(call["timestamp"]) || undefined,
      display: call["resultDisplay"]
    }))

/** Null of what is none, or of a subagent's. */
export const readGeminiChat = (source: string): GeminiChat | null => {
  const lines = linesOf(source)
  const head = lines.find((line) => text(line["sessionId"]) !== "")
  if (head === undefined || !["main", ""].includes(text(head["kind"]))) return null
  const messages = new Map<string, Line>()
  for (const message of lines.flatMap(messagesOf)) messages.set(text(message["id"]) || String(messages.size), message)
  const groups: Array<{ readonly prompt: Line; readonly answers: Array<Line> }> = []
  for (const message of messages.values()) {
    if (isPrompt(message)) groups.push({ prompt: message, answers: [] })
    else if (message["type"] === "gemini") groups.at(-1)?.answers.push(message)
  }
  const turns = groups.map(({ answers, prompt }): GeminiTurn => {
    const last = answers.findLast((message) => contentOf(message["content"]) !== "")
    return {
      prompt: contentOf(prompt["displayContent"]) || contentOf(prompt["content"]),
      at: text(prompt["timestamp"]) || undefined,
      edits: editsOf(answers),
      answer: contentOf(last?.["content"]),
      answeredAt: text(last?.["timestamp"]) || undefined,
      model: text(last?.["model"]) || undefined
    }
  })
  return { session: text(head["sessionId"]), turns }
}
