/** The wire of gitify-prompt, in its own spelling. */
import { Option, Schema } from "effect"

const Optional = Schema.optionalKey(Schema.Unknown)

/** What a client asks: a command, and whatever else it says. What its program doesn't look at is not looked at here. */
export const Request = Schema.Struct({
  command: Optional,
  tool: Optional,
  metadata: Optional,
  sessionId: Optional,
  role: Optional,
  content: Optional,
  filePath: Optional,
  beforeContent: Optional,
  afterContent: Optional,
  commitSha: Optional,
  repoPath: Optional
})
export type Request = typeof Request.Type

const decode = Schema.decodeUnknownOption(Request)

/** A request, or what V8 says of a text that is none. */
export const readRequest = (text: string): Request | string => {
  try {
    return Option.getOrElse(decode(JSON.parse(text)), () => "Unexpected token: a JSON object is expected")
  } catch (error) {
    return (error as Error).message
  }
}

/** A session as clients see it. */
export interface SessionView {
  readonly id: string
  readonly tool: string
  readonly startTime: string
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: string; readonly timestamp: string }>
  readonly codeChanges: ReadonlyArray<{
    readonly filePath: string
    readonly beforeContent: string
    readonly afterContent: string
    readonly timestamp: string
  }>
  readonly metadata: Readonly<Record<string, unknown>>
}
