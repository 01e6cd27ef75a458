import { readFileSync, readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Schema } from "effect"
import { docstrings } from "./docstrings.ts"

/** One file of src/protocol: what it exports, in the order it is written, and its doc comments. */
export interface ProtocolModule {
  readonly file: string
  readonly page: string
  readonly exports: ReadonlyMap<string, unknown>
  readonly docs: ReadonlyMap<string, string>
}

const folder = new URL("../../src/protocol/", import.meta.url)

/** Files whose types are explained on a page that isn't called after them. */
const pages: Record<string, string> = {
  ids: "types",
  channelNames: "types",
  namespaces: "types",
  methodNames: "types",
  methodErrors: "types",
  webhookErrors: "types",
  agentErrors: "types",
  agentEvents: "types",
  agentNames: "types",
  tokens: "types",

  captureEntries: "capture",
  captureSaves: "capture",
  captureHooks: "capture",
  upstreamErrors: "types",
  activity: "types",
  sessionScreens: "types",
  storage: "types",
  dialectStatus: "types",
  limits: "types",
  restart: "types",
  templates: "types",
  upgrade: "types",
  sessionHost: "session-host",
  sessionFrames: "session-host"
}

const notOnTheWire = new Set(["scopes.ts", "index.ts", "immediate.ts", "methodWorker.ts", "workerLine.ts"])

export const loadModules = async (): Promise<ReadonlyArray<ProtocolModule>> => {
  const files = readdirSync(fileURLToPath(folder)).filter((file) => file.endsWith(".ts") && !notOnTheWire.has(file))
  return Promise.all(
    files.toSorted().map(async (file) => {
      const source = readFileSync(new URL(file, folder), "utf8")
      const module: Record<string, unknown> = await import(new URL(file, folder).href)
      const declared = [...source.matchAll(/^export (?:const|class) (\w+)/gm)].map((match) => match[1]!)
      const name = file.replace(/\.ts$/, "")
      return {
        file: `src/protocol/${file}`,
        page: pages[name] ?? name,
        exports: new Map(declared.map((key) => [key, module[key]])),
        docs: docstrings(source)
      }
    })
  )
}

/** The schemas of a module, methods and groups left out. */
export const schemasOf = (module: ProtocolModule): ReadonlyArray<readonly [string, Schema.Top]> =>
  [...module.exports].flatMap(([name, value]) => (Schema.isSchema(value) ? [[name, value] as const] : []))
