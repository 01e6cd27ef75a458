import { idText } from "./positions.ts"

/** Whoever publishes and hears as one, such as a connection: an event never goes to its own publisher. */
export class Party {
  /** Patterns that it is subscribed to, in all its feeds. */
  patterns = 0
}

/** An event as it is kept and handed on. */
export interface Event {
  readonly position: number
  readonly channel: string
  /** Milliseconds since 1970: for people. */
  readonly at: number
  /** Milliseconds on the monotonic clock: what its age is measured with. */
  readonly since: number
  /** The message, as it was written. */
  readonly json: string
  /** Of the message, as UTF-8. */
  readonly bytes: number
}

/**
 * Events that follow one another on one channel from one publisher in one turn of the loop. Everybody who hears them
 * shares it, and the text that is made of it.
 */
export class Run {
  readonly channel: string
  readonly publisher: Party | undefined
  readonly events: Array<Event> = []
  #bytes = 0
  #format: Format | undefined
  #text: Text = ""

  constructor(channel: string, publisher: Party | undefined) {
    this.channel = channel
    this.publisher = publisher
  }

  add(event: Event): void {
    this.events.push(event)
    this.#bytes += event.bytes + OVERHEAD_BYTES
  }

  /** What it takes of a subscriber's buffer. */
  get bytes(): number {
    return this.#bytes
  }

  get last(): number {
    return this.events.at(-1)!.position
  }

  /** Made once for all that speak alike, as subscribers of one channel mostly do. Large ones are bytes already. */
  text(format: Format): Text {
    if (this.#format === format) return this.#text
    this.#format = format
    const text = format(this.events)
    return (this.#text = text.length < SHARED_LENGTH ? text : Buffer.from(text))
  }
}

/** What is written to subscribers: a text, or bytes that are not to be changed, for others are written them too. */
export type Text = string | Buffer

/** From this length on it is worth more to share the bytes than to join the text with what is written beside it. */
const SHARED_LENGTH = 8 * 1024

/** What an event takes beside its message: it counts, so that many small ones are bounded too. */
const OVERHEAD_BYTES = 64

/** How a door writes events of one channel. */
export type Format = (events: ReadonlyArray<Event>) => string

let lastMillis = -1
let lastText = ""

/** An instant as ISO 8601; many events have the same. */
export const instantText = (millis: number): string => {
  if (millis !== lastMillis) {
    lastMillis = millis
    lastText = new Date(millis).toISOString()
  }
  return lastText
}

/** An event as hob's own clients get it: see `ChannelEvent`. */
export const eventText = (event: Event): string =>
  `{"type":"event","id":"${idText(event.position)}","channel":${JSON.stringify(event.channel)},"at":"${instantText(event.at)}","message":${event.json}}`
