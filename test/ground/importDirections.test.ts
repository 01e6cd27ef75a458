import { assert, describe, it } from "vitest"
import { files, importsOf, read, target } from "../support/tree.ts"

/** What each folder of src may import, beside itself. A folder that isn't here belongs to nobody: add its row. */
const tools = ["protocol", "wire", "actors", "config", "listening", "storage", "secrets", "cron"]
const concerns = [
  "channels",
  "locks",
  "schedule",
  "methods",
  "webhooks",
  "sessions",
  "agents",
  "capture",
  "upstream",
  "machine"
]
const doors = ["connection", "dialects", "http"]
const mayImport: Record<string, ReadonlyArray<string>> = {
  protocol: [],
  wire: ["protocol"],
  actors: ["protocol", "wire"],
  config: ["protocol", "wire", "actors"],
  // HTTP doors that the configuration switches on.
  listening: ["protocol", "wire", "actors", "config"],
  storage: ["protocol", "wire", "actors", "config"],
  secrets: ["protocol", "config"],
  // When a cron expression is due: pure.
  cron: ["config"],
  // How coding agents are told to tell hob: pure.
  agentHooks: ["config"],
  ...Object.fromEntries(concerns.map((concern) => [concern, tools])),
  sessions: [...tools, "agentHooks"],
  capture: [...tools, "masking"],
  ...Object.fromEntries(doors.map((door) => [door, [...tools, ...concerns]])),
  // HTTP brings clients of the native socket.
  http: [...tools, ...concerns, "connection"],
  daemon: [...tools, ...concerns, ...doors],
  sessionhost: ["protocol", "wire", "config"],
  // What a terminal shows and what a program is about: pure, for whoever has the bytes.
  terminal: ["protocol"],
  activity: ["protocol", "terminal"],
  screens: ["protocol", "wire", "config", "terminal", "activity"],
  // Takes secrets out of texts, and knows which of a work tree are: plain Node.
  masking: [],
  client: ["protocol", "wire", "config"],
  cli: ["protocol", "wire", "config", "client", "terminal", "masking", "cron", "agentHooks"],
  // The process of a user's module: a client of the daemon's socket as any other.
  methodWorker: ["protocol", "wire", "config", "client"],
  // The package's front door re-exports the Layers and the client.
  "testing.ts": ["sessionhost"],
  "index.ts": [...tools, ...concerns, ...doors, "daemon", "client"]
}

/** A concern that uses another one. Each such line is a decision: two concerns don't know one another unless it is written here. */
const concernUses: Record<string, ReadonlyArray<string>> = {
  // A job calls a method, or runs a command in a session.
  schedule: ["methods", "sessions"],
  // An agent runs in a session.
  agents: ["sessions"],
  // What devices start, stop and resume.
  machine: ["agents", "sessions"],
  // What senders call.
  webhooks: ["methods"]
}

const folderOf = (file: string): string => file.split("/")[1]!

const violations = (sources: Record<string, string>): ReadonlyArray<string> =>
  Object.entries(sources).flatMap(([file, source]) =>
    importsOf(source).flatMap((specifier) => {
      const from = folderOf(file)
      const to = target(file, specifier)
      const allowed = mayImport[from]
      if (allowed === undefined) return [`${file}: no row for the folder "${from}"`]
      if (to === undefined) {
        const foreign = from === "protocol" && specifier !== "effect" && !specifier.startsWith("effect/")
        return foreign ? [`${file}: protocol imports "${specifier}", which is not effect`] : []
      }
      if (!to.startsWith("src/")) return [`${file}: imports "${specifier}", outside src`]
      const folder = folderOf(to)
      const fine = folder === from || allowed.includes(folder) || (concernUses[from] ?? []).includes(folder)
      return fine ? [] : [`${file}: ${from} must not import ${folder} ("${specifier}")`]
    })
  )

/** How many violations one file of this content would be. */
const seen = (file: string, source: string) => violations({ [file]: source }).length

describe("dependency directions of src", () => {
  const sources = Object.fromEntries(
    files("src")
      .filter((file) => /\.m?ts$/.test(file))
      .map((file) => [file, read(file)])
  )

  it("a row imports only what its row may", () => {
    assert.isAbove(Object.keys(sources).length, 10)
    assert.deepStrictEqual(violations(sources), [])
  })

  it("the check sees each way of importing, and each forbidden direction", () => {
    assert.strictEqual(seen("src/protocol/x.ts", `import { Effect } from "effect"`), 0)
    assert.strictEqual(seen("src/protocol/x.ts", `import { readFileSync } from "node:fs"`), 1)
    assert.strictEqual(seen("src/wire/x.ts", `import {\n  a,\n  b\n} from "../config/paths.ts"`), 1)
    assert.strictEqual(seen("src/cli/x.ts", `const d = await import("../daemon/main.ts")`), 1)
    assert.strictEqual(seen("src/cli/x.ts", `export type * from "../daemon/Daemon.ts"`), 1)
    assert.strictEqual(seen("src/cli/x.ts", `import "../sessions/layer.ts"`), 1)
    assert.strictEqual(seen("src/locks/x.ts", `import { a } from "../channels/layer.ts"`), 1)
    assert.strictEqual(seen("src/locks/x.ts", `import { a } from "./decide.ts"`), 0)
    assert.strictEqual(seen("src/sessionhost/x.ts", `import { a } from "../actors/Mailbox.ts"`), 1)
    assert.strictEqual(seen("src/novelty/x.ts", `import { a } from "./y.ts"`), 1)
  })
})
