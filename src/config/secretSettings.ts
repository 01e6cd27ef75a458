import { Schema } from "effect"
import { oneOf } from "./setting.ts"

/** What nobody else may read: the key of captures, credentials. */
export const Secrets = Schema.Struct({
  store: oneOf(["file", "keystore"], {
    default: "file",
    description:
      "Where hob keeps its keys and credentials: `file`, files of its home that only you may read, or `keystore`, the system's: the Secret Service (by `secret-tool`), or the keychain of macOS. What is kept in the other one is moved when it is used next.",
    applies: "at once"
  })
})
