/** Which environment variables a session's program gets. Pure: the caller hands in everything that matters. */

/** `NAME` or `PREFIX*`. */
const matches = (patterns: ReadonlyArray<string>) => (name: string) =>
  patterns.some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern))

export interface EnvironmentOptions {
  /** The caller's whole environment, or null when the start does not come from somebody's terminal. */
  readonly caller: Readonly<Record<string, string>> | null
  /** The daemon's own environment: what the allow list picks from when there is no caller. */
  readonly daemon: Readonly<Record<string, string | undefined>>
  readonly deny: ReadonlyArray<string>
  readonly allow: ReadonlyArray<string>
  readonly user: { readonly name: string; readonly home: string; readonly shell: string }
  readonly kind: "pty" | "pipe"
  /** Somebody wrote these down for this very session: no list holds for them. */
  readonly extra?: Readonly<Record<string, string>>
  /** Set last, whatever the lists say: HOB_SESSION_ID and what a `hob` inside the session needs to find this daemon. */
  readonly session: Readonly<Record<string, string>>
}

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
const DEFAULT_TERM = "xterm-256color"

/**
 * A caller's environment less the deny list; without a caller, a login environment: who the user is, and what the
 * allow list picks from the daemon's own. A PTY always has a `TERM` that programs can use.
 */
export const sessionEnvironment = (options: EnvironmentOptions): Record<string, string> => {
  const denied = matches(options.deny)
  const allowed = matches(options.allow)
  const { home, name, shell } = options.user
  const env: Record<string, string> = {}
  if (options.caller === null) {
    Object.assign(env, { HOME: home, USER: name, LOGNAME: name, SHELL: shell, PATH: DEFAULT_PATH })
    for (const [key, value] of Object.entries(options.daemon)) {
      if (value !== undefined && allowed(key) && !denied(key)) env[key] = value
    }
  } else {
    for (const [key, value] of Object.entries(options.caller)) {
      if (!denied(key)) env[key] = value
    }
  }
  Object.assign(env, options.extra)
  if (options.kind === "pty" && (!env["TERM"] || env["TERM"] === "dumb" || env["TERM"] === "unknown")) {
    env["TERM"] = DEFAULT_TERM
  }
  return Object.assign(env, options.session)
}
