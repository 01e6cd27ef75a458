/** What hob asks of a service manager, whichever it is. */

/** A file that tells the manager of hob. */
export interface ServiceFile {
  readonly path: string
  /** As this version of hob writes it. */
  readonly content: string
  /** As it is there; null when it isn't. */
  readonly found: string | null
}

export interface UnitState {
  /** Such as `hob.socket`. */
  readonly name: string
  /** Started by itself, at login or when the machine starts. */
  readonly enabled: boolean
  /** In the manager's words: `active`, `inactive`, `failed`, …, and in brackets more of it. */
  readonly state: string
  readonly active: boolean
  readonly failed: boolean
  readonly pid: number | null
}

export interface ServiceManager {
  readonly kind: "systemd" | "launchd"
  /** Why the manager can't be spoken to; null when it can. */
  readonly problem: () => Promise<{ readonly message: string; readonly hint: string } | null>
  readonly files: () => Promise<ReadonlyArray<ServiceFile>>
  /** Takes the files up: known to the manager, started at each login. Whatever it ran of ours is stopped. */
  readonly load: () => Promise<void>
  /** Starts what was loaded; rejects with a Fault that says why it doesn't run. */
  readonly start: () => Promise<void>
  /** Stops, and forgets what the files said: they are removed next. */
  readonly unload: () => Promise<void>
  /** After the files are gone. */
  readonly forget: () => Promise<void>
  readonly states: () => Promise<ReadonlyArray<UnitState>>
  /**
   * Whether the user's programs stay when the user has logged out for the last time; null where that is nobody's
   * setting.
   */
  readonly linger: () => Promise<boolean | null>
}
