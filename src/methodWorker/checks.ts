/** Declared schemas, as functions: JSON Schema, Effect Schema and whatever keeps to Standard Schema. */
import { effectOf, isEffectSchema, ofEffectSchema } from "./effectSchema.ts"
import type { Declaration } from "./types.ts"

/** What comes of a check: what the schema makes of the value, or what is wrong with it. */
export type Checked = { readonly value: unknown } | { readonly problem: string }

export interface Check {
  readonly check: (value: unknown) => Checked | Promise<Checked>
  /** As JSON Schema, where that can be had. */
  readonly jsonSchema: unknown
}

export interface Checks {
  readonly params: Check | undefined
  readonly result: Check | undefined
}

/** What stands in the declaration is no schema. */
export class BadDeclaration extends Error {}

/** The checks of one method of the module `file`. Throws {@link BadDeclaration}. */
export const checksOf = async (file: string, method: string, declaration: Declaration): Promise<Checks> => {
  const one = async (what: "params" | "result") => {
    const schema = declaration[what]
    if (schema === undefined) return undefined
    try {
      return await checkOf(file, schema, what)
    } catch (error) {
      throw new BadDeclaration(
        `what it declares as methods.${method}.${what} can't be used: ${(error as Error).message}`
      )
    }
  }
  return { params: await one("params"), result: await one("result") }
}

const checkOf = async (file: string, schema: unknown, what: "params" | "result"): Promise<Check> => {
  if (isEffectSchema(schema)) return ofEffectSchema(await effectOf(file), schema, what)
  const standard = standardOf(schema)
  if (standard !== undefined) return { check: ofStandard(standard), jsonSchema: standardJsonSchema(standard) }
  if (typeof schema === "boolean" || (typeof schema === "object" && schema !== null && !Array.isArray(schema)))
    return (await import("./jsonSchema.ts")).ofJsonSchema(schema)
  throw new Error("it is no JSON Schema, no Effect Schema and no Standard Schema")
}

interface Standard {
  readonly validate: (value: unknown) => StandardResult | Promise<StandardResult>
  readonly jsonSchema?: { readonly input?: (options: { readonly target: string }) => unknown }
}

interface StandardResult {
  readonly value?: unknown
  readonly issues?: ReadonlyArray<{
    readonly message: string
    readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>
  }>
}

const standardOf = (schema: unknown): Standard | undefined => {
  if ((typeof schema !== "object" && typeof schema !== "function") || schema === null) return undefined
  const standard = (schema as { readonly "~standard"?: Partial<Standard> })["~standard"]
  return typeof standard?.validate === "function" ? (standard as Standard) : undefined
}

export const ofStandard = (standard: Standard): Check["check"] => {
  const told = (result: StandardResult): Checked =>
    result.issues === undefined || result.issues.length === 0
      ? { value: result.value }
      : { problem: issuesText(result.issues) }
  return (value) => {
    const result = standard.validate(value)
    return result instanceof Promise ? result.then(told) : told(result)
  }
}

const issuesText = (issues: NonNullable<StandardResult["issues"]>): string =>
  issues.slice(0, 5).map(issueText).join("; ")

const issueText = ({ message, path = [] }: NonNullable<StandardResult["issues"]>[number]): string => {
  const where = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
  return where === "" ? message : `${where}: ${message}`
}

const standardJsonSchema = (standard: Standard): unknown => {
  try {
    return standard.jsonSchema?.input?.({ target: "draft-2020-12" })
  } catch {
    return undefined
  }
}
