import { Effect } from "effect"
import { AgentsRpcs } from "../protocol/agents.ts"
import { Agents } from "./Agents.ts"

/** Answers `agents.*`. */
export const layer = AgentsRpcs.toLayer(
  Effect.gen(function* () {
    const agents = yield* Agents
    return AgentsRpcs.of({
      "agents.start": (options) => agents.start(options),
      "agents.turn": ({ session, text, ...options }) => agents.turn(session, text, options),
      "agents.events": ({ session, ...options }) => agents.events(session, options),
      "agents.list": (options) => Effect.map(agents.list(options), (sessions) => ({ sessions })),
      "agents.known": () => Effect.map(agents.known, (known) => ({ agents: known }))
    })
  })
)
