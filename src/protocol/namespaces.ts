import { Schema } from "effect"

/**
 * Channels and locks live in a namespace: names in different ones never meet. 1 to 128 of any characters but control
 * characters, spaces and `/`.
 */
export const Namespace = Schema.String.check(
  Schema.isPattern(/^[^\s\p{Cc}/]{1,128}$/u, { expected: "1 to 128 characters without spaces and '/'" }),
  Schema.makeFilter((text) => (text.isWellFormed() ? undefined : "well-formed Unicode"))
).pipe(Schema.brand("Namespace"))
export type Namespace = typeof Namespace.Type

/** Where everything is that names no other. */
export const defaultNamespace = Namespace.make("default")
