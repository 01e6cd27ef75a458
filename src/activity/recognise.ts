import type { Foreground, ForegroundProcess } from "./foreground.ts"
import type { Agent } from "./rules.ts"
import type { Regions } from "./ScreenView.ts"

/** Programs that run others: what they run is in their arguments. */
const interpreters = /^(node|node-MainThread|nodejs|bun|deno|python[\d.]*|pypy[\d.]*|ruby|perl|env|npx|tsx)$/

const baseName = (path: string): string => {
  const name = path.slice(path.lastIndexOf("/") + 1)
  // A login shell's first argument begins with a dash.
  return name.startsWith("-") ? name.slice(1) : name
}

interface Named {
  readonly names: ReadonlyArray<string>
  readonly rest: string
}

/** What a program may be called, and its arguments. */
const namesOf = (argv: ReadonlyArray<string>, name = ""): Named => {
  const first = baseName(argv[0] ?? "")
  if (!interpreters.test(first)) return { names: [first, name].filter(Boolean), rest: argv.slice(1).join(" ") }
  const script = argv.findIndex((argument, index) => index > 0 && !argument.startsWith("-") && !/^\w+=/.test(argument))
  // Without a script it is the interpreter's own prompt.
  if (script < 0) return { names: [first], rest: argv.slice(1).join(" ") }
  const named = baseName(argv[script]!)
  return { names: [named, named.replace(/\.[cm]?[jt]s$|\.py$/, ""), first], rest: argv.slice(script + 1).join(" ") }
}

const order: Record<Agent["kind"], number> = { agent: 0, viewer: 1, repl: 2, relay: 3, shell: 4 }

const byCommand = (agents: ReadonlyArray<Agent>, { names, rest }: Named): Agent | null => {
  const script = names.length > 1 && interpreters.test(names.at(-1)!)
  return (
    agents.find(
      (agent) =>
        // An interpreter with a script is the script, not its own prompt.
        agent.commands.some((pattern) =>
          names.some((name) => !(script && agent.kind === "repl" && interpreters.test(name)) && pattern.test(name))
        ) && !agent.unattended.some((pattern) => pattern.test(rest))
    ) ?? null
  )
}

const better = (a: Agent | null, b: Agent | null): Agent | null =>
  a === null || (b !== null && order[b.kind] < order[a.kind]) ? b : a

const ofProcess = (agents: ReadonlyArray<Agent>) => (process: ForegroundProcess) =>
  byCommand(agents, namesOf(process.argv, process.name))

export interface Seen {
  /** What the session was started as. */
  readonly command: ReadonlyArray<string>
  readonly foreground: Foreground | null
  readonly regions: Regions
  /** What the program calls itself in its program status. */
  readonly app: string | null
}

/**
 * Which of the agents has the terminal: by the processes in the foreground where they are known, else by the session's
 * command. What only relays another screen, or can't be recognised so, by its title, its screen and its program status.
 */
export const recognise = (agents: ReadonlyArray<Agent>, { app, command, foreground, regions }: Seen): Agent | null => {
  const started =
    foreground === null
      ? byCommand(agents, namesOf(command))
      : foreground.processes.map(ofProcess(agents)).reduce(better, null)
  if (started !== null && started.kind !== "relay" && (foreground !== null || started.kind !== "shell")) return started
  // Seen processes that are no agent are none, whatever is on the screen: it may show an agent's output.
  if (foreground !== null && foreground.processes.length > 0 && started === null) return null
  return byScreen(agents, { app, regions }) ?? started
}

const byScreen = (agents: ReadonlyArray<Agent>, { app, regions }: Pick<Seen, "app" | "regions">): Agent | null =>
  agents.find(({ programStatus }) => app !== null && programStatus.some((pattern) => pattern.test(app))) ??
  agents.find(({ titles }) => titles.some((pattern) => pattern.test(regions.text("title")))) ??
  agents.find(({ screens }) => screens.some((pattern) => pattern.test(regions.text("screen")))) ??
  null
