/** The variables of hob's own that are not settings: what sets them, and what for. */
export const reservedVariables: Readonly<Record<string, string>> = {
  HOB_HOME:
    "set by you, and by hob in a session of a home that is set so: the directory that holds everything of this hob, sockets included",
  HOB_NO_START: "set by you: commands never start a daemon when it is 1",
  HOB_SESSION_ID: "set by hob in a session: the session's id",
  HOB_SOCKET: "set by hob in a session: the socket of the daemon that holds it",
  HOB_READY_FD: "set by hob for a daemon it starts: the descriptor on which it says that it is ready",
  HOB_SCREENS_TOKEN: "set by hob for the screens process: by it the session-host knows that process as its own",
  HOB_LOCK_NAME: "set by hob for a command that `hob lock` runs: the name of its lock",
  HOB_LOCK_TOKEN: "set by hob for a command that holds a lock: the lock's fencing token",
  HOB_JOB_NAMESPACE: "set by hob for the command of a job: the job's namespace",
  HOB_JOB_ID: "set by hob for the command of a job: the job's name",
  HOB_JOB_RUN: "set by hob for the command of a job: the number of the run",
  HOB_JOB_SLOT: "set by hob for the command of a job: the instant for which it runs, if there is one",
  HOB_CHANNEL: "set by `hob sub --exec` for its command: the event's channel",
  HOB_EVENT_ID: "set by `hob sub --exec` for its command: the event's id",
  HOB_MESSAGE: "set by `hob sub --exec` for its command: the message, where it is short",
  HOB_TEST_NO_SKIP: "set by you for hob's own tests: a missing system program fails them"
}

/** `sessions.maxCount` is `HOB_SESSIONS_MAX_COUNT` in the environment. */
export const variableOf = (key: string): string =>
  `HOB_${key
    .replaceAll(".", "_")
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`

/** In the environment of a session's program: nothing of its agents is captured where it is `false`. */
export const captureVariable = variableOf("capture.enabled")
