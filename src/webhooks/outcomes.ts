import { Option, Schema } from "effect"
import type { Outcome } from "./decide.ts"
import type { Stored } from "./deliveries.ts"

const Told = Schema.fromJsonString(Schema.Struct({ status: Schema.Int, error: Schema.String }))
const decodeTold = Schema.decodeUnknownOption(Told)

const NOT_KNOWN = { status: 500, error: "The method did not end well." }

/** What a delivery on record has come to. */
export const storedOutcome = ({ result, state, told }: Stored): Outcome => {
  if (state === "succeeded") return { state, data: result === null ? undefined : JSON.parse(result) }
  if (state === "pending" || state === "running") return { state }
  return { state, told: Option.getOrElse(decodeTold(told), () => NOT_KNOWN) }
}
