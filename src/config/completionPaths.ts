import { homedir } from "node:os"
import { join } from "node:path"

/** Where a user's shells look for completions; computed, no file is touched. */
export const completionPaths = (
  env: Readonly<Record<string, string | undefined>>
): Readonly<Record<"bash" | "zsh" | "fish" | "zshDirectory", string>> => {
  const home = env["HOME"] || homedir()
  const data = env["XDG_DATA_HOME"] || join(home, ".local", "share")
  const zshDirectory = join(data, "zsh", "site-functions")
  return {
    bash: join(env["BASH_COMPLETION_USER_DIR"] || join(data, "bash-completion"), "completions", "hob"),
    zsh: join(zshDirectory, "_hob"),
    zshDirectory,
    fish: join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "fish", "completions", "hob.fish")
  }
}
