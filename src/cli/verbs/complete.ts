import { readFileSync } from "node:fs"
import type { ChannelInfo } from "../../protocol/channels.ts"
import type { Lock } from "../../protocol/locks.ts"
import type { MethodInfo } from "../../protocol/methods.ts"
import type { Job } from "../../protocol/schedule.ts"
import type { Session } from "../../protocol/sessions.ts"
import type { Webhook } from "../../protocol/webhooks.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { stateText } from "../render/session.ts"
import { commandLine, oneLine, plural } from "../render/text.ts"
import { print } from "../stdio.ts"

/** A shell waits for this with every press of Tab. */
const ANSWER_MILLIS = 3000
const LONGEST_DESCRIPTION = 60

/** A value, and what it is. */
type Candidate = readonly [value: string, description: string]

const listed = async (context: Context, all: boolean): Promise<ReadonlyArray<Session>> => {
  const quiet = { ...context, mayStart: false }
  const { sessions } = await call<{ sessions: ReadonlyArray<Session> }>(
    quiet,
    "sessions.list",
    all ? { all: true } : {},
    ANSWER_MILLIS
  )
  return sessions
}

const SHORT_ID = 8

/** A session's name, or as much of its id as tells it from the others; a name means the newest that has it. */
export const sessionCandidates = (sessions: ReadonlyArray<Session>): ReadonlyArray<Candidate> => {
  const values = new Map<string, string>()
  for (const session of sessions) {
    const { id, name } = session
    const short = id.slice(0, SHORT_ID)
    const isUnique = sessions.every((other) => other === session || !other.id.startsWith(short))
    const value = name ?? (isUnique ? short : id)
    if (!values.has(value)) values.set(value, `${stateText(session)}: ${commandLine(session.command)}`)
  }
  return [...values]
}

const counted = (words: Iterable<string>, what: string): ReadonlyArray<Candidate> =>
  [...new Set(words)].sort().map((word) => [word, what])

const channels = async (context: Context, which: object): Promise<ReadonlyArray<ChannelInfo>> => {
  const quiet = { ...context, mayStart: false }
  return (await call<{ channels: ReadonlyArray<ChannelInfo> }>(quiet, "channels.list", which, ANSWER_MILLIS)).channels
}

/** Names of a group of the configuration, which is only looked at: its mistakes are told elsewhere. */
const namesIn = (context: Context, group: string): ReadonlyArray<string> => {
  const file: unknown = JSON.parse(readFileSync(context.paths.config, "utf8"))
  const members = (file as Readonly<Record<string, unknown>>)[group]
  return typeof members === "object" && members !== null ? Object.keys(members) : []
}

const kinds: Readonly<Record<string, (context: Context) => Promise<ReadonlyArray<Candidate>>>> = {
  sessions: async (context) => sessionCandidates(await listed(context, true)),
  running: async (context) => sessionCandidates(await listed(context, false)),
  tags: async (context) =>
    counted(
      (await listed(context, true)).flatMap(({ tags }) => tags),
      "a tag"
    ),
  channels: async (context) =>
    (await channels(context, {})).map(({ channel, subscribers }) => [channel, plural(subscribers, "listener")]),
  locks: async (context) =>
    (
      await call<{ locks: ReadonlyArray<Lock> }>({ ...context, mayStart: false }, "locks.list", {}, ANSWER_MILLIS)
    ).locks.map(({ holder, name }) => [name, `held by ${holder}`]),
  jobs: async (context) =>
    (
      await call<{ jobs: ReadonlyArray<Job> }>({ ...context, mayStart: false }, "schedule.list", {}, ANSWER_MILLIS)
    ).jobs.map(({ cron, id }) => [id, cron]),
  methods: async (context) =>
    (
      await call<{ methods: ReadonlyArray<MethodInfo> }>(
        { ...context, mayStart: false },
        "methods.list",
        {},
        ANSWER_MILLIS
      )
    ).methods.map(({ description, kind, method }) => [method, description ?? `a method (${kind})`]),
  webhooks: async (context) =>
    (
      await call<{ webhooks: ReadonlyArray<Webhook> }>(
        { ...context, mayStart: false },
        "webhooks.list",
        {},
        ANSWER_MILLIS
      )
    ).webhooks.map(({ method, scheme }) => [method, `a webhook (${scheme})`]),
  namespaces: async (context) =>
    counted(
      (await channels(context, { all: true })).map(({ namespace }) => namespace),
      "a namespace"
    ),
  templates: async (context) => counted(namesIn(context, "templates"), "a template")
}

/**
 * `hob __complete KIND`, for completion scripts: a line for each value, behind a tab what it is. Starts no daemon;
 * whatever goes wrong, there is just nothing to complete.
 */
export const complete = async (context: Context, kind: string): Promise<number> => {
  const candidates = await (Object.hasOwn(kinds, kind) ? kinds[kind]!(context) : Promise.resolve([])).catch(() => [])
  const line = ([value, description]: Candidate) => `${value}\t${oneLine(description).slice(0, LONGEST_DESCRIPTION)}\n`
  print(candidates.map(line).join(""))
  return ExitCode.ok
}
