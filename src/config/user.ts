import { userInfo } from "node:os"

/** Who the daemon runs as, from the password file; a user without an entry there still has a shell. */
export const currentUser = (): { readonly name: string; readonly home: string; readonly shell: string } => {
  try {
    const { homedir, shell, username } = userInfo()
    return { name: username, home: homedir, shell: shell || "/bin/sh" }
  } catch {
    return {
      name: process.env["USER"] ?? String(process.getuid?.() ?? ""),
      home: process.env["HOME"] ?? "/",
      shell: "/bin/sh"
    }
  }
}
