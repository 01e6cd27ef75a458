import { Context, Schema } from "effect"
import { type Rpc, RpcSchema } from "effect/rpc"
import { HobRpcs } from "../../src/protocol/index.ts"
import { Immediate } from "../../src/protocol/immediate.ts"
import { examples } from "./examples.ts"
import { type ProtocolModule, schemasOf } from "./modules.ts"
import type { makeShapes, Field } from "./shapes.ts"
import { cell } from "./docstrings.ts"

export type Shapes = ReturnType<typeof makeShapes>

/** One method as the pages show it. */
export interface Method {
  readonly name: string
  readonly concern: string
  /** Its export in src/protocol: doc comments are kept under it. */
  readonly key: string
  readonly module: ProtocolModule
  readonly payload: Schema.Top
  readonly success: Schema.Top
  readonly error: Schema.Top
  readonly stream: boolean
  readonly immediate: boolean
}

export const methodsOf = (modules: ReadonlyArray<ProtocolModule>): ReadonlyArray<Method> =>
  [...HobRpcs.requests.values()].map((request) => {
    const rpc = request as Rpc.AnyWithProps
    const module = modules.find((candidate) => [...candidate.exports.values()].includes(rpc))
    if (module === undefined) throw new Error(`${rpc._tag} is in HobRpcs, but no file of src/protocol exports it`)
    const key = [...module.exports].find(([, value]) => value === rpc)![0]
    const streamed = RpcSchema.isStreamSchema(rpc.successSchema) ? rpc.successSchema : undefined
    return {
      name: rpc._tag,
      concern: rpc._tag.split(".")[0]!,
      key,
      module,
      payload: rpc.payloadSchema,
      success: streamed === undefined ? rpc.successSchema : streamed.success,
      error: streamed === undefined ? rpc.errorSchema : streamed.error,
      stream: streamed !== undefined,
      immediate: Context.get(rpc.annotations, Immediate)
    }
  })

export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")

const fieldsTable = (fields: ReadonlyArray<Field>, describe: (field: string) => string): string =>
  table(
    ["field", "type", "", "meaning"],
    fields.map(({ name, type, required }) => [`\`${name}\``, type, required ? "" : "optional", describe(name)])
  )

/** A field's doc comment: of the schema it stands in, at its own path. */
const describer = (module: ProtocolModule, path: string) => (field: string) =>
  cell(module.docs.get(`${path}.${field.replaceAll("[]", "")}`) ?? "")

export const errorsOf = (method: Method, shapes: Shapes): ReadonlyArray<string> =>
  shapes.members(method.error).map((member) => tagOf(member))

const tagOf = (schema: Schema.Top): string => {
  const { fields } = schema as { readonly fields?: Readonly<Record<string, Schema.Top>> }
  const tag = fields?.["_tag"]?.ast
  if (tag?._tag !== "Literal") throw new Error("an error of a method has no literal _tag")
  return String(tag.literal)
}

const example = (method: Method): string => {
  const params = examples[method.name]
  if (params === undefined) throw new Error(`scripts/reference/examples.ts has no request of ${method.name}`)
  const nothing = method.payload.ast._tag === "Void"
  Schema.decodeUnknownSync(method.payload as Schema.Codec<unknown>)(nothing ? undefined : params)
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method: method.name, ...(nothing ? {} : { params }) })
}

const methodSection = (method: Method, shapes: Shapes, types: (tag: string) => string): string => {
  const payload = shapes.fields(method.payload) ?? []
  const success = shapes.fields(method.success)
  const named = shapes.type(method.success)
  const errors = errorsOf(method, shapes)
  return [
    `## ${method.name}`,
    method.module.docs.get(method.key) ?? "",
    payload.length === 0
      ? "Takes nothing."
      : `**Params**\n\n${fieldsTable(payload, describer(method.module, `${method.key}.payload`))}`,
    (method.stream ? "**Result**: a stream; each element is " : "**Result**: ") +
      (named.startsWith("[") || success === undefined
        ? named
        : `an object\n\n${fieldsTable(success, describer(method.module, `${method.key}.success`))}`),
    errors.length === 0 ? "" : `**Errors**: ${errors.map(types).join(", ")}`,
    `\`\`\`json\n${example(method)}\n\`\`\``,
    method.immediate ? "Answered in the connection's own fiber, in order." : ""
  ]
    .filter((part) => part !== "")
    .join("\n\n")
}

/** Types and methods share words such as "status"; a heading of its own kind keeps their anchors apart. */
export const headingOf = (name: string, schema: Schema.Top): string =>
  `${isTaggedError(schema) ? "error" : "type"} ${name}`

export const isTaggedError = (schema: Schema.Top): boolean => schema.ast._tag === "Declaration"

/** A named type: its meaning, then its fields or what it is. `name` may be a path in a union such as `HostRequest[2]`. */
const typeSection = (name: string, schema: Schema.Top, module: ProtocolModule, shapes: Shapes): string => {
  const fields = shapes.fields(schema)
  const members = fields === undefined && schema.ast._tag === "Union" ? shapes.members(schema) : []
  const parts = members.flatMap((member, index) => {
    const inner = shapes.fields(member)
    if (inner === undefined || shapes.isNamed(member)) return []
    const path = `${name}[${index}]`
    const which = inner.find((field) => /^`"[^|]*"`$/.test(field.type))
    const intro = [which === undefined ? "" : `**${which.name} ${which.type}**`, module.docs.get(path) ?? ""]
    return [intro.filter((part) => part !== "").join(" "), fieldsTable(inner, describer(module, path))]
  })
  return [
    `### ${headingOf(name, schema)}`,
    module.docs.get(name) ?? "",
    fields !== undefined
      ? fieldsTable(fields, describer(module, name))
      : parts.length > 0
        ? parts.join("\n\n")
        : `Is: ${shapes.described(schema)}`
  ]
    .filter((part) => part !== "")
    .join("\n\n")
}

const BANNER = "<!-- Written by scripts/docs.ts from the code. `npm run docs` writes it again. -->"

export const typesPage = (
  title: string,
  intro: string,
  modules: ReadonlyArray<ProtocolModule>,
  shapes: Shapes
): string =>
  page([
    `# ${title}`,
    intro,
    ...modules.flatMap((module) => schemasOf(module).map(([name, schema]) => typeSection(name, schema, module, shapes)))
  ])

export const concernPage = (
  concern: string,
  methods: ReadonlyArray<Method>,
  modules: ReadonlyArray<ProtocolModule>,
  shapes: Shapes,
  types: (tag: string) => string
): string =>
  page([
    `# ${concern}.*`,
    table(
      ["method", ""],
      methods.map((method) => [
        `[\`${method.name}\`](#${anchor(method.name)})`,
        cell((method.module.docs.get(method.key) ?? "").split(/(?<=[.:;]) |\n/)[0]!.replace(/[:;]$/, "."))
      ])
    ),
    ...methods.map((method) => methodSection(method, shapes, types)),
    "## Types",
    ...modules.flatMap((module) => schemasOf(module).map(([name, schema]) => typeSection(name, schema, module, shapes)))
  ])

export const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-")

export const page = (parts: ReadonlyArray<string>): string =>
  `${[BANNER, ...parts.filter((part) => part !== "")].join("\n\n")}\n`

/** A table whose rows are the entries of a constant object, such as the frame types. */
export const constantTable = (name: string, module: ProtocolModule, show: (value: unknown) => string): string =>
  table(
    ["name", "value", "meaning"],
    Object.entries(module.exports.get(name) as Record<string, unknown>).map(([key, value]) => [
      `\`${key}\``,
      show(value),
      cell(module.docs.get(`${name}.${key}`) ?? "")
    ])
  )
