/** What `hob capture install` was told for a repository: a file in its git directory, for all of its work trees. */
import { Option, Schema } from "effect"
import { readFileSync } from "node:fs"
import { captureChoicePath } from "../../config/capturePaths.ts"
import { CaptureDestination } from "../../protocol/captureSaves.ts"

const Choice = Schema.Struct({
  destination: CaptureDestination,
  /** What is saved goes into the commit itself. */
  stage: Schema.optionalKey(Schema.Boolean),
  markdown: Schema.optionalKey(Schema.Boolean)
})
export type Choice = typeof Choice.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Choice))

/** Undefined where hob is not installed in the repository. */
export const choiceOf = (commonDirectory: string): Choice | undefined => {
  try {
    return Option.getOrUndefined(decode(readFileSync(captureChoicePath(commonDirectory), "utf8")))
  } catch {
    return undefined
  }
}
