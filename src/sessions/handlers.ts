import { Effect, Stream } from "effect"
import { DirectMethods } from "../actors/DirectMethods.ts"
import { Output, type SessionEvent, SessionsRpcs } from "../protocol/sessions.ts"
import { TagsRpcs } from "../protocol/tags.ts"
import { TemplatesRpcs } from "../protocol/templates.ts"
import { logLines, outputChunks } from "./hostStream.ts"
import { makeOutputs } from "./output/Outputs.ts"
import { Sessions } from "./Sessions.ts"

/** Clients from before there were these events would not understand them. */
const later = new Set<SessionEvent["type"]>(["changed", "activity", "host-upgraded", "host-not-upgraded"])

/** Answers `sessions.*`. */
export const layer = SessionsRpcs.merge(TagsRpcs, TemplatesRpcs).toLayer(
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const direct = yield* DirectMethods
    yield* direct.answer(Output, yield* makeOutputs)
    return SessionsRpcs.merge(TagsRpcs, TemplatesRpcs).of({
      "sessions.run": (options) => sessions.run(options),
      "sessions.list": (options) => sessions.listing(options),
      "sessions.show": ({ session }) => sessions.show(session),
      "sessions.attach": ({ session, ...options }) => sessions.attach(session, options),
      "sessions.output": ({ follow, session, ...range }) =>
        Stream.unwrap(
          Effect.map(sessions.attach(session, { mode: follow === true ? "follow" : "read", ...range }), outputChunks)
        ),
      "sessions.send": ({ data, session, ...options }) => sessions.send(session, Buffer.from(data, "base64"), options),
      "sessions.resize": ({ session, ...size }) => sessions.resize(session, size),
      "sessions.kill": ({ session, ...options }) => sessions.kill(session, options),
      "sessions.rename": ({ name, session }) => sessions.rename(session, name),
      "sessions.tag": ({ session, ...changes }) => sessions.tag(session, changes),
      "sessions.templates": () => Effect.map(sessions.templates, (templates) => ({ templates })),
      "sessions.remove": ({ session, ...options }) => sessions.remove(session, options),
      "sessions.export": ({ session }) =>
        Stream.unwrap(Effect.map(sessions.attach(session, { mode: "records" }), logLines)),
      "sessions.events": ({ types }) =>
        Stream.filter(sessions.events, ({ type }) => (types === undefined ? !later.has(type) : types.includes(type)))
    })
  })
)
