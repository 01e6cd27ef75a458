import type { MethodInfo, ModuleInfo } from "../../protocol/methods.ts"
import { age, columns, commandLine, oneLine } from "./text.ts"

/** Modules with what is the matter with them, then every method and where it comes from. */
export const methodsPage = (
  modules: ReadonlyArray<ModuleInfo>,
  methods: ReadonlyArray<MethodInfo>,
  now: number,
  namespaces: boolean
): string =>
  [moduleTable(modules, now, namespaces), methodTable(methods, namespaces)].filter((part) => part !== "").join("\n\n")

const moduleTable = (modules: ReadonlyArray<ModuleInfo>, now: number, namespaces: boolean): string => {
  if (modules.length === 0) return ""
  const rows = modules.map(({ addedAt, file, inFlight, namespace, pid, restarts, state }) => [
    ...(namespaces ? [oneLine(namespace)] : []),
    state,
    pid === null ? "-" : String(pid),
    String(inFlight),
    String(restarts),
    age(addedAt, now),
    oneLine(file)
  ])
  const head = [...(namespaces ? ["NAMESPACE"] : []), "STATE", "PID", "CALLS", "RESTARTS", "ADDED", "MODULE"]
  const problems = modules.flatMap(({ file, problem }) =>
    problem === null ? [] : [`${oneLine(file)}, ${age(problem.at, now)} ago: ${oneLine(problem.reason)}`]
  )
  return [columns([head, ...rows]), ...problems].join("\n")
}

const methodTable = (methods: ReadonlyArray<MethodInfo>, namespaces: boolean): string => {
  if (methods.length === 0) return ""
  const rows = methods.map(({ command, description, file, method, namespace, timeoutMillis }) => [
    ...(namespaces ? [oneLine(namespace)] : []),
    oneLine(method),
    timeoutMillis === undefined ? "-" : `${timeoutMillis} ms`,
    oneLine(file ?? commandLine(command ?? [])),
    oneLine(description ?? "")
  ])
  return columns([[...(namespaces ? ["NAMESPACE"] : []), "METHOD", "LIMIT", "FROM", ""], ...rows])
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
}
