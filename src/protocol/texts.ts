import { Schema } from "effect"

/** Without halves of surrogate pairs. */
export const wellFormed = Schema.makeFilter((text: string) =>
  text.isWellFormed() ? undefined : "must be well-formed Unicode"
)
