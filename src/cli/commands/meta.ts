import { Effect } from "effect"
import { Command } from "effect/cli"
import { VERSION } from "../../config/version.ts"
import { printLine } from "../stdio.ts"

export const versionCommand = Command.make("version", {}, () => Effect.sync(() => printLine(VERSION))).pipe(
  Command.withDescription("Print the version of this command. `hob status` has the running daemon's."),
  Command.withShortDescription("Print the version")
)
