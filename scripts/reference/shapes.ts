import type { Schema, SchemaAST } from "effect"

/** One line of a table of fields: nested structs are spread as `parent.child`, structs in arrays as `parent[].child`. */
export interface Field {
  readonly name: string
  readonly type: string
  readonly required: boolean
}

/** What schema constructors keep of their parts; the syntax tree alone has lost which of them had a name. */
type Parts = Schema.Top & {
  readonly fields?: Readonly<Record<string, Parts>>
  readonly members?: ReadonlyArray<Parts>
  readonly value?: Parts
  readonly schema?: Parts
}

/** Where a named schema is explained. */
export type Names = ReadonlyMap<SchemaAST.AST, { readonly name: string; readonly href: string }>

const isOptional = (schema: Schema.Top): boolean => schema.ast.context?.isOptional === true

/** The schema inside `optionalKey(…)`, which has a syntax tree of its own. */
const inside = (schema: Parts): Parts => (isOptional(schema) && schema.schema !== undefined ? schema.schema : schema)

const expectations = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  (ast.checks ?? []).flatMap((check) => {
    const expected = check.annotations?.["expected"]
    return typeof expected === "string" ? [expected] : []
  })

const AN_INTEGER = "an integer"

/** Turns schemas into words and tables. */
export const makeShapes = (names: Names) => {
  const link = (schema: Schema.Top): string | undefined => {
    const named = names.get(schema.ast)
    return named === undefined ? undefined : `[${named.name}](${named.href})`
  }

  const leaf = (ast: SchemaAST.AST): string => {
    switch (ast._tag) {
      case "String":
        return "string"
      case "Number":
        return expectations(ast).includes(AN_INTEGER) ? "integer" : "number"
      case "Boolean":
        return "boolean"
      case "Null":
        return "null"
      case "Literal":
        return `\`${JSON.stringify(ast.literal)}\``
      case "Union":
        return ast.types.map(leaf).join(" \\| ")
      case "Void":
      case "Undefined":
        return "nothing"
      case "Never":
        return "never"
      default:
        return "any JSON"
    }
  }

  const word = (schema: Parts): string => {
    if (schema.members !== undefined && schema.ast._tag === "Union") return schema.members.map(type).join(" \\| ")
    if (schema.ast._tag === "Arrays" && schema.value !== undefined) return `array of ${grouped(type(schema.value))}`
    if (schema.fields !== undefined) return "object"
    if (schema.ast._tag === "Objects") {
      return schema.value === undefined ? "object" : `object of ${type(schema.value)} by name`
    }
    return leaf(schema.ast)
  }

  /** One type in words, as a link where it has a name, with what is checked of it. */
  const type = (schema: Parts): string => link(schema) ?? described(schema)

  const described = (schema: Parts): string => {
    const checks = expectations(schema.ast).filter((expected) => expected !== AN_INTEGER)
    return [word(schema), ...checks.map((expected) => expected.replace(/^a value (with a )?/, ""))].join(", ")
  }

  /** The struct a table can spread: the schema itself, or what `NullOr` and arrays hold of it, when it has no name of its own. */
  const spread = (schema: Parts, name: string): ReadonlyArray<Field> => {
    if (link(schema) !== undefined) return []
    if (schema.fields !== undefined) return rows(schema.fields, `${name}.`)
    if (schema.ast._tag === "Arrays" && schema.value !== undefined) return spread(schema.value, `${name}[]`)
    const others = (schema.members ?? []).filter((member) => member.ast._tag !== "Null")
    return others.length === 1 ? spread(others[0]!, name) : []
  }

  const rows = (fields: Readonly<Record<string, Parts>>, prefix: string): ReadonlyArray<Field> =>
    Object.entries(fields).flatMap(([key, field]) => {
      const row: Field = { name: prefix + key, type: type(inside(field)), required: !isOptional(field) }
      return [row].concat(spread(inside(field), row.name))
    })

  return {
    isNamed: (schema: Schema.Top): boolean => link(schema as Parts) !== undefined,
    /** A named type without its name. */
    described: (schema: Schema.Top): string => described(schema as Parts),
    type: (schema: Schema.Top): string => type(schema as Parts),
    /** The fields of a struct or tagged error, or undefined when the schema is something else. */
    fields: (schema: Schema.Top): ReadonlyArray<Field> | undefined => {
      const { fields } = schema as Parts
      return fields === undefined ? undefined : rows(fields, "")
    },
    /** The members of a union, flat. */
    members: (schema: Schema.Top): ReadonlyArray<Schema.Top> => flatten(schema as Parts)
  }
}

/** What a comma would tear apart. */
const grouped = (type: string): string => (type.includes(", ") || type.includes(" \\| ") ? `(${type})` : type)

const flatten = (schema: Parts): ReadonlyArray<Parts> => {
  if (schema.ast._tag === "Never") return []
  return schema.members === undefined ? [schema] : schema.members.flatMap(flatten)
}
