import { Command, Flag } from "effect/cli"
import { yes } from "./flags.ts"

/** `hob` itself: what every command shares. The commands below it are in tree.ts. */
export const hob = Command.make("hob").pipe(
  Command.withSharedFlags({
    noStart: yes("no-start", "Fail with exit code 3 instead of starting the daemon (as HOB_NO_START=1 does)"),
    settings: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withMetavar("KEY=VALUE"),
      Flag.withDescription("A setting for this command and for a daemon it starts (`hob config show` lists them)"),
      Flag.atLeast(0)
    )
  }),
  Command.withDescription(
    "Keeps terminal sessions alive for people and coding agents: they outlive the terminal, and hob's own daemon."
  ),
  Command.withExamples([
    { command: "hob run -- npm test", description: "Run a command in a session and watch it; C-\\ leaves it running" },
    { command: "hob run --detach --name build -- make -j8", description: "Start one in the background" },
    { command: "hob ls", description: "What is running" },
    { command: "hob attach build", description: "Go back to it, from any terminal" },
    { command: "hob output build --tail 20", description: "Read what it printed, without attaching" }
  ])
)
