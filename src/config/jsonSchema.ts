/** JSON Schema through effect's import of it. */
import { JsonSchema, Schema, SchemaRepresentation } from "effect"

interface Issue {
  readonly message: string
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
}

const issuesText = (issues: ReadonlyArray<Issue>): string => issues.slice(0, 5).map(issueText).join("; ")

const issueText = ({ message, path = [] }: Issue): string => {
  const where = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
  return where === "" ? message : `${where}: ${message}`
}

/**
 * What tells the problem of a value, or undefined when it has none. The schema is of draft 2020-12, or what its `$schema`
 * says. Throws when it asks for something that can't be checked, and says where.
 */
export const jsonSchemaCheck = (json: unknown): ((value: unknown) => string | undefined) => {
  const schema = SchemaRepresentation.fromJsonSchemaDocument(documentOf(json), { patterns: "apply" })
  const standard = Schema.toStandardSchemaV1(schema as unknown as Schema.Codec<unknown>, {
    parseOptions: { onExcessProperty: "error", errors: "all" }
  })["~standard"]
  return (value) => {
    const result = standard.validate(value)
    if (result instanceof Promise || result.issues === undefined) return undefined
    return issuesText(result.issues)
  }
}

const documentOf = (json: unknown): JsonSchema.Document<"draft-2020-12"> => {
  if (typeof json !== "boolean" && (typeof json !== "object" || json === null || Array.isArray(json)))
    throw new Error("it is neither an object nor true or false")
  const schema = (json === true ? {} : json === false ? { not: {} } : json) as JsonSchema.JsonSchema
  const { $schema, definitions } = schema
  const isOld = typeof $schema === "string" ? $schema.includes("draft-07") : definitions !== undefined
  return isOld ? JsonSchema.fromSchemaDraft07(schema) : JsonSchema.fromSchemaDraft2020_12(schema)
}
