/** A file of its own, loaded when it is needed: most modules want no effect in their process. */
import { jsonSchemaCheck } from "../config/jsonSchema.ts"
import type { Check } from "./checks.ts"

export const ofJsonSchema = (json: object | boolean): Check => {
  const problemOf = jsonSchemaCheck(json)
  return {
    check: (value) => {
      const problem = problemOf(value)
      return problem === undefined ? { value } : { problem }
    },
    jsonSchema: json
  }
}
