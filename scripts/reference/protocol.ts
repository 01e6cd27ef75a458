import type { SchemaAST } from "effect"
import { jsonSchemaPage } from "./jsonSchema.ts"
import { loadModules, type ProtocolModule, schemasOf } from "./modules.ts"
import {
  anchor,
  concernPage,
  constantTable,
  errorsOf,
  headingOf,
  isTaggedError,
  methodsOf,
  page,
  table,
  typesPage
} from "./pages.ts"
import { makeShapes } from "./shapes.ts"
import { cell } from "./docstrings.ts"

const hex = (value: unknown): string => `\`0x${Number(value).toString(16).padStart(2, "0")}\``

/** Every page of docs/protocol that the schemas say, by its path in the repository. */
export const protocolPages = async (): Promise<ReadonlyMap<string, string>> => {
  const modules = await loadModules()
  const methods = methodsOf(modules)
  const concerns = [...new Set(methods.map((method) => method.concern))]

  const names = new Map<SchemaAST.AST, { readonly name: string; readonly href: string }>()
  for (const module of modules) {
    for (const [name, schema] of schemasOf(module)) {
      names.set(schema.ast, { name, href: `${module.page}.md#${anchor(headingOf(name, schema))}` })
    }
  }
  const shapes = makeShapes(names)
  const whereIs = (tag: string): string => {
    const module = modules.find((candidate) => candidate.exports.has(tag))
    return module === undefined ? `\`${tag}\`` : `[${tag}](${module.page}.md#${anchor(`error ${tag}`)})`
  }
  const onPage = (name: string): ReadonlyArray<ProtocolModule> => modules.filter((module) => module.page === name)

  const pages = new Map<string, string>()
  for (const concern of concerns) {
    const own = methods.filter((method) => method.concern === concern)
    pages.set(`docs/protocol/${concern}.md`, concernPage(concern, own, onPage(own[0]!.module.page), shapes, whereIs))
  }

  pages.set("docs/protocol/types.md", typesPage("Types shared by all methods", "", onPage("types"), shapes))

  const frames = modules.find((module) => module.exports.has("FrameType"))!
  const host = modules.find((module) => module.exports.has("HostRequest"))!
  pages.set(
    "docs/protocol/session-host.md",
    typesPage(
      "The session-host's socket",
      [
        host.docs.get("") ?? "",
        "[Transport](transport.md#the-session-hosts-socket) tells how a frame is laid out and how a connection goes.",
        "## Frames",
        frames.docs.get("FrameType") ?? "",
        constantTable("FrameType", frames, hex),
        `A payload is at most ${String(frames.exports.get("MAX_FRAME_BYTES"))} bytes.`,
        "## Directions",
        frames.docs.get("Direction") ?? "",
        constantTable("Direction", frames, (value) => `\`${String(value)}\``),
        "## Messages"
      ]
        .filter((part) => part !== "")
        .join("\n\n"),
      onPage("session-host"),
      shapes
    )
  )

  const screens = modules.find((module) => module.exports.has("ScreensRequest"))!
  pages.set(
    "docs/protocol/screens.md",
    typesPage("The screens process", `${screens.docs.get("") ?? ""}\n\n## Messages`, onPage("screens"), shapes)
  )

  const codes = modules.find((module) => module.exports.has("RpcErrorCode"))!
  const raised = (tag: string) =>
    methods.filter((method) => errorsOf(method, shapes).includes(tag)).map((method) => `\`${method.name}\``)
  const errors = modules.flatMap((module) => schemasOf(module).filter(([, schema]) => isTaggedError(schema)))
  pages.set(
    "docs/protocol/errors.md",
    page([
      "# Errors",
      "How an error looks on the wire is told in [transport](transport.md#errors).",
      "## Codes",
      codes.docs.get("RpcErrorCode") ?? "",
      constantTable("RpcErrorCode", codes, (value) => `\`${String(value)}\``),
      "## Errors of methods",
      "Each is carried whole in `data` of an error with the code `failed`, with these tags:",
      table(
        ["_tag", "meaning", "of"],
        errors.map(([name]) => [
          whereIs(name),
          cell(modules.find((module) => module.exports.has(name))?.docs.get(name) ?? ""),
          raised(name).join(", ")
        ])
      )
    ])
  )

  pages.set(
    "docs/protocol/README.md",
    page([
      "# The native protocol",
      "JSON-RPC 2.0, one message per line, over the Unix socket `hob.sock`. " +
        "[Transport](transport.md) tells how a connection goes; [errors](errors.md) lists what can go wrong; " +
        "[types](types.md) are shared by all methods; the bytes of a session travel by [the session-host's socket](session-host.md), " +
        "where [the screens process](screens.md) speaks too. " +
        "[hob.schema.json](hob.schema.json) says all of it for machines.",
      ...concerns.map((concern) =>
        [
          `## [${concern}.*](${concern}.md)`,
          table(
            ["method", "result", "errors"],
            methods
              .filter((method) => method.concern === concern)
              .map((method) => [
                `[\`${method.name}\`](${concern}.md#${anchor(method.name)})`,
                `${method.stream ? "stream of " : ""}${shapes.type(method.success)}`,
                errorsOf(method, shapes).map(whereIs).join(", ")
              ])
          )
        ].join("\n\n")
      )
    ])
  )

  pages.set("docs/protocol/hob.schema.json", jsonSchemaPage(modules, methods, shapes))
  return pages
}
