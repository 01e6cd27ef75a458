import { Schema } from "effect"

/**
 * The name of a method: 1 to 128 of any characters but control characters, spaces and `/`. It names what a module
 * declares and nothing else: what every object has (`constructor`, `toString`, `__proto__`) is no method.
 */
export const MethodName = Schema.String.check(
  Schema.isPattern(/^[^\s\p{Cc}/]{1,128}$/u, { expected: "1 to 128 characters without spaces and '/'" }),
  Schema.makeFilter((text) => (text.isWellFormed() ? undefined : "well-formed Unicode"))
).pipe(Schema.brand("MethodName"))
export type MethodName = typeof MethodName.Type
