import type { Foreground } from "./foreground.ts"
import { listAt, questionAt } from "./questions.ts"
import { readScreen, type Agent, type Verdict } from "./rules.ts"
import type { Regions } from "./ScreenView.ts"
import type { Signs } from "./signs.ts"

/** Everything that is known at one moment. */
export interface Evidence {
  readonly now: number
  readonly agent: Agent | null
  readonly foreground: Foreground | null
  /** Processes that have been seen to read with an editor of their own. */
  readonly editors: ReadonlySet<number>
  readonly regions: Regions
  readonly signs: Signs
  /** Since when the screen is as it is. */
  readonly quietSince: number
  /** Since when the agent's rules have said of the screen that it is idle; null when they don't. */
  readonly idleSince: number | null
  /** Since when this agent has the terminal, and whether anything has been known of it since. */
  readonly agentSince: number
  readonly agentSeen: boolean
}

/** The first is the decision; the others are what was considered too. */
export type Verdicts = readonly [Verdict, ...ReadonlyArray<Verdict>]

/** A screen that says idle for so long is right against a hook or a progress that says working: what ends them gets lost. */
const staleMillis = 3_000
/** An agent of which nothing is known yet is being started, for so long. */
const startMillis = 20_000
/** A question at the cursor is one when nothing follows it for so long. */
export const questionMillis = 600

const unknown = (detail: string): Verdict => ({ state: "unknown", rule: "nothing", detail })

/** Who is asked first when several say something; see docs/activity.md. */
const first = (...verdicts: ReadonlyArray<Verdict | null>): Verdict | undefined =>
  verdicts.find((verdict) => verdict !== null) ?? undefined

const when = <V extends Verdict>(verdict: V | null, state: Verdict["state"]): V | null =>
  verdict?.state === state ? verdict : null

/** From when on a hook or a progress doesn't count any more that says working; null when the screen doesn't say idle. */
export const staleAt = ({ idleSince, signs }: Pick<Evidence, "idleSince" | "signs">): number | null =>
  idleSince === null ? null : Math.max(idleSince, signs.toldAt) + staleMillis

/** What an agent with a screen of its own is about. */
const ofAgent = (agent: Agent, screen: Verdict | null, evidence: Evidence): Verdicts => {
  const { now, signs } = evidence
  const status = signs.status.verdict
  const hook = signs.hookOf(agent)
  const { progress } = signs
  const stale = now >= (staleAt(evidence) ?? Infinity)
  const decided =
    first(
      when(screen, "waiting"),
      when(status, "waiting"),
      // A hook tells of a moment; whether that has passed, the screen knows better.
      screen === null ? when(hook, "waiting") : null,
      when(screen, "working"),
      when(status, "working"),
      stale ? null : progress,
      stale ? null : when(hook, "working"),
      when(screen, "idle"),
      when(status, "idle"),
      when(hook, "idle")
    ) ?? starting(agent, evidence)
  const others = [screen, status, hook, progress].filter((verdict) => verdict !== null && verdict !== decided)
  return [decided, ...(others as ReadonlyArray<Verdict>)]
}

const starting = (agent: Agent, { agentSeen, agentSince, now }: Evidence): Verdict => {
  if (!agentSeen && now - agentSince < startMillis) {
    return {
      state: "working",
      rule: `${agent.name}/starting`,
      detail: "it was started and has shown nothing known yet"
    }
  }
  return unknown(`no rule for ${agent.name} matches the screen, and it says nothing of itself`)
}

/** Something that looks like a program's own prompt: it may be at it, or printing. */
const looksLikePrompt = (regions: Regions): boolean =>
  /\S.{0,60}[>$#%❯›»λ]\s$|^[>$#%❯›»λ]\s$/.test(regions.text("before-cursor"))

const asking = (regions: Regions, rule: string, detail: string): Verdict => {
  const question = questionAt(regions)
  return { state: "waiting", rule, detail: question === null ? detail : `${detail}, behind “${question}”` }
}

const nameOf = ({ processes }: Foreground): string => processes[0]?.name ?? "a program"

/** What a program that nothing is known of is about, from what it does with the terminal. */
const ofProgram = (evidence: Evidence): Verdict => {
  const { foreground, now, quietSince, regions, signs } = evidence
  const { alternate, interactive } = regions.view
  if (foreground === null || foreground.processes.length === 0) return withoutProcesses(evidence)
  const name = nameOf(foreground)
  if (alternate || interactive) return unknown(`${name} has a screen of its own that no rule knows`)
  const reading = foreground.processes.find((process) => process.reading === true)
  if (reading !== undefined) {
    return asking(regions, "reads the terminal", `${reading.name} does nothing until somebody types`)
  }
  if (signs.progress !== null) return signs.progress
  if (foreground.processes.some((process) => process.reading === null) && now - quietSince >= questionMillis) {
    if (questionAt(regions) !== null) return asking(regions, "question at the cursor", `${name} has stopped`)
    const list = listAt(regions)
    if (list !== null) return { state: "waiting", rule: "list of choices", detail: `${name} has stopped: ${list}` }
    if (looksLikePrompt(regions))
      return unknown(`${name} may be at a prompt of its own: ${regions.text("before-cursor").trim()}`)
  }
  return { state: "working", rule: "has the terminal", detail: `${name} runs and doesn't read the terminal` }
}

/** Where processes can't be seen: what shells and programs say, and questions. */
const withoutProcesses = ({ foreground, now, quietSince, regions, signs }: Evidence): Verdict => {
  const { alternate, interactive } = regions.view
  const quiet = now - quietSince >= questionMillis
  if (signs.shell === "prompt") return { state: "idle", rule: "shell marks (OSC 133)", detail: "the prompt was shown" }
  if (quiet && !alternate && questionAt(regions) !== null) {
    return asking(regions, "question at the cursor", "nothing follows it")
  }
  if (signs.progress !== null) return signs.progress
  if (signs.shell === "command" && !alternate && !interactive) {
    return { state: "working", rule: "shell marks (OSC 133)", detail: "a command was begun and has not ended" }
  }
  if (foreground !== null)
    return { state: "working", rule: "has the terminal", detail: "a program is being started or has just ended" }
  return unknown("its processes can't be seen, and it says nothing of itself")
}

/** A shell that waits for one of several things, and nobody with it: for keys, at its prompt. */
const isAtEditor = ({ processes }: Foreground): boolean =>
  processes.length === 1 && processes[0]!.reading === null && processes[0]!.reads === "editor"

/** fish reads for `read` as it does at its prompt, and before version 4 has no marks: its title tells the command, and the prompt of `read` is known. */
const isFishReading = (name: string, regions: Regions): boolean =>
  name === "fish" && (/^read\b/.test(regions.text("title")) || /^read>\s/.test(regions.text("before-cursor")))

/** What a shell is about that nothing else has taken the terminal from. */
const ofShell = (agent: Agent, evidence: Evidence): Verdict => {
  const { editors, foreground, regions, signs } = evidence
  if (foreground === null) return withoutProcesses(evidence)
  const reader = foreground.processes.find((process) => process.reading === true)
  if (reader === undefined && !foreground.own) return ofProgram(evidence)
  if (reader === undefined) {
    const able = foreground.processes.every((process) => process.reading !== null)
    if (!able && signs.shell === "prompt") return withoutProcesses(evidence)
    if (able)
      return { state: "working", rule: `${agent.name}/busy`, detail: `${nameOf(foreground)} runs something of its own` }
    if (!isAtEditor(foreground)) return unknown(`it can't be told whether ${nameOf(foreground)} reads the terminal`)
  }
  const isBare = regions.text("before-cursor").trim() === ""
  const plainly = reader?.reads === "plainly" && (isBare || editors.has(reader.pid))
  const name = nameOf(foreground)
  if (signs.shell === "command" || plainly || isFishReading(name, regions) || questionAt(regions) !== null) {
    return asking(regions, `${agent.name}/read`, "the shell reads a line for a command")
  }
  // `read` with an editor looks like a prompt; but a prompt shows something.
  if (isBare && signs.shell !== "prompt") return unknown(`${name} reads the terminal, and there is no prompt`)
  const line = regions.text("cursor").trim().slice(0, 120)
  return { state: "idle", rule: `${agent.name}/prompt`, detail: `${name} reads the terminal: ${line}` }
}

const ofViewer = (agent: Agent): Verdict => ({
  state: "waiting",
  rule: `${agent.name}/open`,
  detail: "it is open until its user closes it"
})

/** What the program is about, from all that is known now; no memory, no delay. */
export const decide = (evidence: Evidence): Verdicts => {
  const { agent, regions, signs } = evidence
  const status = signs.status.verdict
  // Who has something to say about itself is heard, whatever it is.
  const told = agent?.kind === "agent" ? null : (when(status, "waiting") ?? when(status, "working"))
  if (told !== null) return [told]
  if (agent === null) return [ofProgram(evidence)]
  if (agent.kind === "shell") return [ofShell(agent, evidence)]
  const screen = readScreen(agent, regions)
  if (agent.kind === "agent") return ofAgent(agent, screen, evidence)
  if (screen !== null) return [screen]
  if (agent.kind === "viewer") return [ofViewer(agent)]
  if (agent.kind === "relay") return [withoutProcesses({ ...evidence, foreground: null })]
  return [ofProgram(evidence)]
}
