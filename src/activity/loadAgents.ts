import { readFileSync } from "node:fs"
import { Result, Schema } from "effect"
import { builtInAgents, builtInManifests } from "./agents/builtIn.ts"
import { AgentsFile, type Manifest } from "./manifest.ts"
import { type Agent, compileManifest } from "./rules.ts"

/** The agents to recognise, and what is wrong with the file, as a sentence that says where and what to do. */
export interface LoadedAgents {
  readonly agents: ReadonlyArray<Agent>
  readonly problem: string | null
}

const maxBytes = 1024 * 1024
const decode = Schema.decodeUnknownResult(AgentsFile, { errors: "all", onExcessProperty: "error" })

type Entry = AgentsFile["agents"][number]

const join = <A>(theirs: ReadonlyArray<A> = [], ours: ReadonlyArray<A> = []): ReadonlyArray<A> => [...theirs, ...ours]

/** What the file says of a built-in agent goes before what hob knows of it. */
const extend = (ours: Manifest, theirs: Entry): Manifest => ({
  agent: ours.agent,
  kind: theirs.kind,
  commands: join(theirs.commands, ours.commands),
  unattended: join(theirs.unattended, ours.unattended),
  titles: join(theirs.titles, ours.titles),
  screens: join(theirs.screens, ours.screens),
  programStatus: join(theirs.programStatus, ours.programStatus),
  rules: join(theirs.rules, ours.rules),
  hooks: { ...ours.hooks, ...theirs.hooks }
})

const merge = (entries: ReadonlyArray<Entry>): ReadonlyArray<Manifest> => {
  const known = new Map<string, Manifest>(builtInManifests.map((manifest) => [manifest.agent, manifest]))
  const added: Array<Manifest> = []
  for (const { replace = false, ...entry } of entries) {
    const ours = known.get(entry.agent)
    if (ours === undefined) added.push(entry)
    else known.set(entry.agent, replace ? entry : extend(ours, entry))
  }
  return [...added, ...known.values()]
}

/**
 * The built-in agents and those of `<home>/agents.json`. A file that is missing is none; one that can't be used is told
 * in `problem`, and the built-in agents are used without it.
 */
export const loadAgents = (path: string): LoadedAgents => {
  const refused = (why: string): LoadedAgents => ({
    agents: builtInAgents,
    problem: `${path} is not used: ${why}. docs/activity.md says what belongs there.`
  })
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === "ENOENT" ? { agents: builtInAgents, problem: null } : refused(message)
  }
  if (text.length > maxBytes) return refused(`it is larger than ${maxBytes} bytes`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refused((error as Error).message)
  }
  return Result.match(decode(value), {
    onFailure: (error) => refused(error.message.replaceAll("\n", " ")),
    onSuccess: ({ agents }) => ({ agents: merge(agents).map(compileManifest), problem: null })
  })
}
