import { Option, Schema } from "effect"
import type { PlainParams } from "../actors/DirectMethods.ts"
import { ChannelName } from "../protocol/channelNames.ts"
import type { Publish } from "../protocol/channels.ts"
import { hasLargeNumber } from "../wire/largeNumbers.ts"
import { isPlainJson } from "../wire/plainJson.ts"

type Payload = typeof Publish.payloadSchema.Type

const HEAD = '{"channel":"'
const MESSAGE = ',"message":'
const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const CLOSE_BRACE = 0x7d

const decodeName = Schema.decodeUnknownOption(ChannelName)
let lastName: ChannelName | undefined

/** Requests that follow one another mostly name the same channel. */
const nameOf = (text: string): ChannelName | undefined => {
  if (text === lastName) return lastName
  const name = Option.getOrUndefined(decodeName(text))
  if (name !== undefined) lastName = name
  return name
}

/** Parameters whose message is not parsed before somebody wants to look at it: it is carried as its text. */
class PlainPayload implements Payload {
  readonly channel: ChannelName
  readonly #json: string

  constructor(channel: ChannelName, json: string) {
    this.channel = channel
    this.#json = json
  }

  get message(): Payload["message"] {
    return JSON.parse(this.#json) as Payload["message"]
  }
}

/**
 * The parameters of `channels.publish` as `{"channel":…,"message":…}`, without parsing more than the message. Sound
 * because the name holds no escapes, and because what remains behind it must be one JSON value and the closing brace.
 */
export const readPlainPublish = (text: string): PlainParams<Payload> | undefined => {
  if (!text.startsWith(HEAD) || text.charCodeAt(text.length - 1) !== CLOSE_BRACE) return undefined
  let nameEnd = HEAD.length
  for (let code = text.charCodeAt(nameEnd); code !== QUOTE; code = text.charCodeAt(++nameEnd)) {
    if (code === BACKSLASH || !(code >= SPACE)) return undefined
  }
  if (!text.startsWith(MESSAGE, nameEnd + 1)) return undefined
  const channel = nameOf(text.slice(HEAD.length, nameEnd))
  if (channel === undefined) return undefined
  const json = text.slice(nameEnd + 1 + MESSAGE.length, -1)
  // Carried as it stands here: without the white space around it.
  if (!(json.charCodeAt(0) > SPACE && json.charCodeAt(json.length - 1) > SPACE)) return undefined
  const texts = { message: json }
  if (isPlainJson(json)) return { payload: new PlainPayload(channel, json), texts }
  try {
    const message = JSON.parse(json) as Payload["message"]
    // For the schema to refuse.
    return hasLargeNumber(message) ? undefined : { payload: { channel, message }, texts }
  } catch {
    return undefined
  }
}
