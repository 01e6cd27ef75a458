/** Effect Schemas, by the copy of effect that the module itself uses: another one may be of another version. */
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { type Check, ofStandard } from "./checks.ts"

type StandardOf = { readonly "~standard": Parameters<typeof ofStandard>[0] }

/** What is used of the module's own effect. */
interface EffectSchemas {
  readonly toStandardSchemaV1: (schema: object) => StandardOf
  readonly toCodecJson: (schema: object) => object
  readonly flip: (schema: object) => object
  readonly toJsonSchemaDocument: (schema: object) => { readonly schema: object; readonly definitions?: object }
}

export const isEffectSchema = (schema: unknown): schema is object =>
  (typeof schema === "object" || typeof schema === "function") && schema !== null && "~effect/Schema/Schema" in schema

/** That copy. Rejects when it is not found from the module's directory, or is no effect 4. */
export const effectOf = async (file: string): Promise<EffectSchemas> => {
  const path = createRequire(file).resolve("effect")
  const { Schema } = (await import(pathToFileURL(path).href)) as { readonly Schema?: Partial<EffectSchemas> }
  if (Schema?.toCodecJson === undefined || Schema.toStandardSchemaV1 === undefined) {
    throw new Error(`${path} is no effect 4: give a Standard Schema instead`)
  }
  return Schema as EffectSchemas
}

/** Parameters come as the schema's JSON and are decoded; results are encoded to it. */
export const ofEffectSchema = (effect: EffectSchemas, schema: object, what: "params" | "result"): Check => {
  const codec = effect.toCodecJson(schema)
  const standard = effect.toStandardSchemaV1(what === "params" ? codec : effect.flip(codec))
  return { check: ofStandard(standard["~standard"]), jsonSchema: jsonSchemaOf(effect, schema) }
}

const jsonSchemaOf = (effect: EffectSchemas, schema: object): unknown => {
  try {
    const { definitions = {}, schema: root } = effect.toJsonSchemaDocument(schema)
    return Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions }
  } catch {
    // Not every schema can be said so; it is checked all the same.
    return undefined
  }
}
