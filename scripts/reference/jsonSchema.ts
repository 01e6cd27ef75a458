import { Schema } from "effect"
import { HOST_PROTOCOL_VERSION } from "../../src/protocol/sessionHost.ts"
import { PROTOCOL_VERSION } from "../../src/protocol/daemon.ts"
import { type ProtocolModule, schemasOf } from "./modules.ts"
import { errorsOf, type Method, type Shapes } from "./pages.ts"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

const isObject = (json: Json): json is { readonly [key: string]: Json } =>
  typeof json === "object" && json !== null && !Array.isArray(json)

const mapChildren = (json: Json, f: (child: Json) => Json): Json => {
  if (Array.isArray(json)) return json.map(f)
  return isObject(json) ? Object.fromEntries(Object.entries(json).map(([key, value]) => [key, f(value)])) : json
}

/** That an integer is one a double holds goes without saying. */
const withoutIntegerLimits = (json: Json): Json => {
  if (!isObject(json) || json["type"] !== "integer") return json
  const limits = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }
  return Object.fromEntries(Object.entries(json).filter(([key, value]) => limits[key as keyof typeof limits] !== value))
}

/** Puts the definitions a document refers to back where they are used; the named types below take their place. */
const inlined = (schema: Schema.Top): Json => {
  const document = Schema.toJsonSchemaDocument(schema) as unknown as {
    readonly schema: Json
    readonly definitions: Readonly<Record<string, Json>>
  }
  const inline = (json: Json): Json => {
    const reference = isObject(json) ? json["$ref"] : undefined
    if (typeof reference !== "string") return mapChildren(withoutIntegerLimits(json), inline)
    return inline(document.definitions[reference.replace("#/$defs/", "")]!)
  }
  return inline(document.schema)
}

/** The machine-readable form of the pages: one JSON Schema (draft 2020-12) with every method's params, result and errors. */
export const jsonSchemaPage = (
  modules: ReadonlyArray<ProtocolModule>,
  methods: ReadonlyArray<Method>,
  shapes: Shapes
): string => {
  const named = modules.flatMap((module) =>
    schemasOf(module).map(([name, schema]) => ({ name, description: module.docs.get(name), json: inlined(schema) }))
  )
  // A name stands for a shape only where the shape is telling: not for every string.
  const byShape = new Map(
    named
      .filter(({ json }) => isObject(json) && ["properties", "pattern", "enum", "anyOf"].some((key) => key in json))
      .map(({ name, json }) => [JSON.stringify(json), name])
  )
  const linked = (json: Json): Json => {
    const name = byShape.get(JSON.stringify(json))
    return name === undefined ? mapChildren(json, linked) : { $ref: `#/$defs/${name}` }
  }
  const document: Json = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "The native protocol of hob",
    protocol: PROTOCOL_VERSION,
    hostProtocol: HOST_PROTOCOL_VERSION,
    methods: Object.fromEntries(
      methods.map((method) => [
        method.name,
        {
          description: method.module.docs.get(method.key) ?? "",
          params: linked(inlined(method.payload)),
          stream: method.stream,
          result: linked(inlined(method.success)),
          errors: errorsOf(method, shapes).map((tag) => ({ $ref: `#/$defs/${tag}` }))
        }
      ])
    ),
    $defs: Object.fromEntries(
      named.map(({ name, description, json }) => [
        name,
        { ...(description === undefined ? {} : { description }), ...(mapChildren(json, linked) as object) }
      ])
    )
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
