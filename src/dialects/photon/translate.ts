/** What photon's clients are told, as text. Pure. */
import { MAX_NAME_BYTES } from "../../protocol/channelNames.ts"
import type { Event, Format } from "../../channels/Event.ts"
import type { Question } from "../../protocol/methods.ts"
import { toChannelName, toForeign } from "./names.ts"

/** A channel as a request names it. */
interface Channel {
  readonly foreign: string
  /** Its JSON. */
  readonly text: string
  /** Of ours; undefined where it is too long to be one. */
  readonly name: string | undefined
}

const makeChannel = (foreign: string): Channel => ({
  foreign,
  text: JSON.stringify(foreign),
  name: toChannelName(foreign)
})

let lastAsked = makeChannel("")

/** Requests that follow one another mostly name the same one. */
export const channelOf = (foreign: string): Channel =>
  foreign === lastAsked.foreign ? lastAsked : (lastAsked = makeChannel(foreign))

/**
 * What stands for the message of a publish that has none. Others hear `null`; photon's subscribers are to see no
 * `message` at all, and no message is carried with a space behind it, so this one can be told.
 */
export const NO_MESSAGE = "null "

let lastHeard = { name: "", text: '""' }

const foreignText = (name: string): string => {
  if (name !== lastHeard.name) lastHeard = { name, text: JSON.stringify(toForeign(name)) }
  return lastHeard.text
}

const messageText = ({ channel, json, position }: Event, kind: string, end: string): string => {
  const message = json === NO_MESSAGE ? "" : `,"message":${json}`
  return `{"type":"channel_message","id":"${kind}_${position}","channel":${foreignText(channel)}${message},"eventId":${position}${end}}`
}

const lines = (write: (event: Event) => string): Format => {
  return (events) => {
    let text = write(events[0]!)
    for (let at = 1; at < events.length; at++) text += `\n${write(events[at]!)}`
    return text
  }
}

/** What a subscriber hears. Its own daemon's fields, and `eventId`, which clients ignore that know nothing of it. */
export const channelMessages: Format = lines((event) => messageText(event, "ch", ""))

/** What was published before it subscribed. */
export const replayedMessages: Format = lines((event) => messageText(event, "replay", ',"replay":true'))

// `id` is JSON throughout.

export const pong = (id: string): string => `{"type":"pong","id":${id}}`

/** `data` is JSON: clients wait for ever for what has none. */
export const result = (id: string, data: string, success = true): string =>
  `{"type":"result","id":${id},"success":${success},"data":${data}}`

/** The end of a command; a method that returned nothing has no `data`, as there. */
export const resultOf = (id: string, value: unknown): string =>
  value === undefined ? `{"type":"result","id":${id},"success":true}` : result(id, JSON.stringify(value))

/**
 * A question of a running command. Always a text, as there: the options of a choice are told in the message, and a yes or
 * no is typed.
 */
export const prompt = (id: string, { default: usual, message, options, type }: Question): string => {
  const choices = options?.map(({ label, value }) => (label === value ? value : `${value} (${label})`)).join(", ")
  const text =
    choices !== undefined ? `${message}\nOptions: ${choices}` : type === "confirm" ? `${message} (y/n)` : message
  const asked = { type: "text", message: text, ...(usual === undefined ? {} : { default: usual }) }
  return `{"type":"prompt","id":${id},"prompt":${JSON.stringify(asked)}}`
}

/** What a running command tells its caller. Clients that know nothing of it ignore it. */
export const emitted = (id: string, value: unknown): string =>
  `{"type":"emit","id":${id},"emitData":${JSON.stringify(value)}}`

export const published = (id: string, channel: string, position: number): string =>
  `{"type":"result","id":${id},"success":true,"data":{"published":true,"channel":${channel},"eventId":${position}}}`

export const error = (id: string, message: string): string =>
  `{"type":"error","id":${id},"error":${JSON.stringify(message)}}`

/** Events may be missing: the client is to read anew what they are about. */
export const refreshNeeded = (id: string, channel: string): string =>
  `{"type":"refresh_needed","id":${id},"channel":${channel}}`

export const sentences = {
  noMethod: "Method name required",
  unknownMethod: (method: string) => `Tool not found: ${method}`,
  tooManyCommands: (limit: number) => `${limit} commands of this connection are running, as many as may: wait for one.`,
  noSuchOption: (answer: string, options: ReadonlyArray<{ readonly value: string }>) =>
    `"${answer}" is none of the options: ${options.map(({ value }) => value).join(", ")}.`,
  nameTooLong: (what: string, most = MAX_NAME_BYTES) =>
    `The ${what} is too long: ${most} bytes is the most, and characters that hob's names can't have count as three to six.`,
  holderTooLong: "The sessionId is too long: 256 characters is the most.",
  badTimeout: (limit: number) => `lockTimeout must be a number of milliseconds, more than 0 and at most ${limit}.`,
  badJobId: "The jobId must be 1 to 128 characters without control characters, and without spaces at its ends.",
  badMethod: 'The method must be 1 to 128 characters without spaces and "/".',
  badArgs: "args must be an object of at most 64 KiB of JSON.",
  badCron: (reason: string) => `Invalid cron expression: ${reason}`,
  held: "Lock held by another client",
  notHolder: "Not lock holder",
  tooManyReplays: (limit: number) =>
    `This connection has ${limit} subscriptions with a lastEventId, as many as it may: open another one.`,
  cutShort: "Not all of what was missed could be sent: subscribe again, with the last eventId that came.",
  tooMany: "Too many clients are connected at once. Try again in a moment.",
  lineTooSlow: "The rest of a long line did not come in time."
} as const

/**
 * `lastEventId` as a position: undefined where the request has none. Clients send the number that they were given, or
 * its digits; what is neither is a position before all others.
 */
export const toPosition = (lastEventId: unknown): number | undefined => {
  if (lastEventId === undefined || lastEventId === null) return undefined
  if (typeof lastEventId !== "number" && typeof lastEventId !== "string") return 0
  return Math.max(0, Math.trunc(Number.parseInt(String(lastEventId), 10)) || 0)
}
