import { realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { type Home, makeHome } from "../../support/home.ts"

export interface GitifyHome extends Home {
  /** What is the temporary directory for hob and the clients. */
  readonly root: string
  /** Where the clients look. */
  readonly directory: string
  readonly socket: string
}

/** A home with a temporary directory of its own; the dialect is not yet on. */
export const makeGitifyHome = (extra: NodeJS.ProcessEnv = {}): GitifyHome => {
  // One home's directory is where the other's clients look.
  const outer = makeHome()
  const root = realpathSync(dirname(outer.paths.home))
  const home = makeHome({ TMPDIR: root, ...extra })
  const directory = join(root, "gitify-prompt")
  const destroy = async (): Promise<void> => {
    await home.destroy()
    await outer.destroy()
  }
  return { ...home, root, directory, socket: join(directory, "daemon.sock"), destroy }
}
