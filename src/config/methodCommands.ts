/** Methods that are commands, as people write them in the configuration. */
import { Schema } from "effect"
import { MethodName } from "../protocol/methodNames.ts"
import { defaultNamespace, Namespace } from "../protocol/namespaces.ts"
import { jsonSchemaCheck } from "./jsonSchema.ts"
import { parseDuration } from "./quantities.ts"

/** A schema that can be checked. */
const Checkable = Schema.Json.check(
  Schema.makeFilter((json) => {
    try {
      jsonSchemaCheck(json)
      return undefined
    } catch (error) {
      return `a JSON Schema that can be checked: ${(error as Error).message}`
    }
  })
)

/** One command in `config.json`. */
export const MethodCommand = Schema.Struct({
  /** The program and its arguments. */
  command: Schema.Array(Schema.String.check(Schema.isPattern(/^[^\0]*$/u))).check(
    Schema.makeFilter((words) => (words.length > 0 && words[0] !== "" ? undefined : "a program and its arguments"))
  ),
  /** `~` is the home, and a relative one is below it. Default: the home. */
  cwd: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1))),
  /** Variables beside those that every session without a terminal gets. */
  env: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  timeout: Schema.optionalKey(
    Schema.String.check(
      Schema.makeFilter((text) => ((parseDuration(text) ?? 0) > 0 ? undefined : 'a duration such as "30s" or "10m"'))
    )
  ),
  description: Schema.optionalKey(Schema.String),
  /** JSON Schema of its parameters, and of its result. */
  params: Schema.optionalKey(Checkable),
  result: Schema.optionalKey(Checkable)
})
export type MethodCommand = typeof MethodCommand.Type

const isName = Schema.is(MethodName)
const isNamespace = Schema.is(Namespace)

/** `name` is in the default namespace, `namespace/name` in that one. */
export const commandName = (
  key: string
): { readonly namespace: Namespace; readonly method: MethodName } | undefined => {
  const slash = key.indexOf("/")
  const namespace = slash === -1 ? defaultNamespace : key.slice(0, slash)
  const method = key.slice(slash + 1)
  return isName(method) && isNamespace(namespace) ? { namespace, method } : undefined
}

/** All of them, by name. */
export const MethodCommands = Schema.Record(
  Schema.String.check(
    Schema.makeFilter((key) =>
      commandName(key) === undefined ? 'a method\'s name, or "namespace/name", without spaces' : undefined
    )
  ),
  MethodCommand
)
