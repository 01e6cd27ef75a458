import { Context, Effect, Layer } from "effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { Concerns } from "../../src/actors/Concerns.ts"
import { HobConfig } from "../../src/config/HobConfig.ts"
import { makePaths } from "../../src/config/paths.ts"
import type { Dialect, Instances, OpenDialect } from "../../src/dialects/Dialect.ts"
import * as Dialects from "../../src/dialects/Dialects.ts"
import { makeOneLine } from "../../src/dialects/oneLine.ts"

const limits = { lineBytes: 1000, depth: 10, heldBytes: 100_000, stallMillis: 30_000 }

export interface Toy {
  readonly socket: string
  /** How often it was opened. */
  readonly opened: () => number
  readonly saved: () => number
  /** Lets the requests `wait` go on. */
  readonly release: () => void
}

/** A dialect that answers `echo X`, `wait` and `shutdown`, in the place of the one that there is. */
export const makeToy = (home: string, options: { readonly pidFile?: string; readonly instances?: Instances } = {}) => {
  const socket = join(home, "toy/daemon.sock")
  let opened = 0
  let saved = 0
  let release = (): void => {}
  const released = new Promise<void>((resolve) => void (release = resolve))
  const dialect: Dialect = {
    name: "claude-sessions",
    args: { expected: "at most one argument", accepts: (args) => args.length <= 1 },
    socket: ([other]) => (other === undefined || other === "same" ? socket : `${socket}-${other}`),
    ...(options.instances === undefined ? {} : { instances: options.instances }),
    ...(options.pidFile === undefined ? {} : { pidFile: () => options.pidFile! }),
    open: ({ shutDown }) =>
      Effect.sync((): OpenDialect => {
        opened++
        const lines = makeOneLine(limits)
        return {
          save: Effect.sync(() => void saved++),
          serve: (client) =>
            Effect.gen(function* () {
              const said = yield* lines.read(client)
              if (said.type === "left") return
              const line = said.type === "line" ? said.line : said.problem
              if (line === "die") return yield* Effect.die("a bug")
              if (line === "wait") yield* Effect.promise(() => released)
              if (line === "shutdown") yield* shutDown("a client asked")
              yield* lines.write(client, line)
            })
        }
      })
  }
  const toy: Toy = { socket, opened: () => opened, saved: () => saved, release: () => release() }
  return { dialect, toy }
}

/** The dialects of a home with nothing but the toy, and its configuration on disk. */
export const withToy = (
  home: string,
  options: {
    readonly pidFile?: string
    readonly instances?: Instances
    readonly config?: string
    readonly env?: Record<string, string>
    readonly flags?: ReadonlyArray<string>
  } = {}
) =>
  Effect.gen(function* () {
    const paths = makePaths({ HOB_HOME: home })
    mkdirSync(home, { recursive: true, mode: 0o700 })
    if (options.config !== undefined) writeFileSync(paths.config, options.config, { mode: 0o600 })
    const { dialect, toy } = makeToy(home, options)
    const sources = { paths, env: options.env ?? {}, flags: options.flags ?? [] }
    const context = yield* Layer.build(
      Dialects.layer({ paths, env: {} }, Effect.succeed([dialect])).pipe(
        Layer.provideMerge(Layer.mergeAll(Concerns.layer, HobConfig.layer(sources)))
      )
    )
    return {
      toy,
      dialects: Context.get(context, Dialects.Dialects),
      concerns: Context.get(context, Concerns),
      config: Context.get(context, HobConfig),
      file: () => readFileSync(paths.config, "utf8"),
      write: (text: string) => writeFileSync(paths.config, text, { mode: 0o600 })
    }
  })

/** What is answered to a line; null when nobody listens, `""` when the connection is closed without an answer. */
export const say = (path: string, line: string) =>
  Effect.callback<string | null>((resume) => {
    const client = connect(path)
    let heard = ""
    client.on("connect", () => client.write(`${line}\n`))
    client.on("data", (chunk) => void (heard += String(chunk)))
    client.on("error", () => resume(Effect.succeed(null)))
    client.on("close", () => resume(Effect.succeed(heard)))
  })
