import { Effect, Option, Schema } from "effect"
import type { Agents } from "../agents/Agents.ts"
import { AgentName } from "../protocol/agents.ts"
import { CallRefused } from "./RemoteCall.ts"
import type { Starting } from "./sessionCalls.ts"

const asAgentName = Schema.decodeUnknownOption(AgentName)

/** What goes before a conversation's id, by how an agent's output is read. */
const resumeFlags: Readonly<Record<string, string>> = { claude: "--resume" }

/** Agents are started as hob starts them for anybody. */
export const starting = (agents: Agents["Service"]): Starting => ({
  start: ({ agent: wanted, createDirectory, directory, env, resume }) =>
    Effect.gen(function* () {
      const known = yield* agents.known
      const name = wanted === undefined ? known.find(({ isDefault }) => isDefault)?.name : wanted
      const agent = Option.flatMap(asAgentName(name), (name) =>
        Option.fromUndefinedOr(known.find((each) => each.name === name))
      )
      if (Option.isNone(agent)) {
        const names = known.map(({ name }) => name).join(", ")
        return yield* Effect.fail(
          new CallRefused({ reason: `There is no agent "${name}" on this machine. There are: ${names}.` })
        )
      }
      const { command, name: agentName, output } = agent.value
      const flag = resumeFlags[output]
      if (resume !== undefined && flag === undefined) {
        return yield* Effect.fail(
          new CallRefused({ reason: `hob does not know how "${agentName}" goes on with a conversation.` })
        )
      }
      const started = agents.start({
        directory,
        agent: agentName,
        createDirectory,
        tags: ["machine"],
        ...(env === undefined || Object.keys(env).length === 0 ? {} : { env }),
        ...(resume === undefined ? {} : { command: [...command, flag!, resume] })
      })
      return yield* started.pipe(
        Effect.map(({ session }) => session.session.id as string),
        Effect.catch((error) =>
          error._tag === "AgentDirectoryUnusable" && error.reason === "missing"
            ? Effect.succeed("missing-directory" as const)
            : Effect.fail(new CallRefused({ reason: error.message }))
        )
      )
    }),
  agentIn: (session) => {
    const its = agents.of(session)
    return its === null || its.agent === null ? null : { agent: its.agent, conversation: its.agentSession }
  }
})
