import { Schema } from "effect"
import { detachKeyPattern } from "./detachKey.ts"
import { bytes, millis, text, textOrNull, variables, whole, yesNo } from "./setting.ts"

const KiB = 1024
const MiB = 1024 * 1024
const GiB = 1024 * 1024 * 1024
const day = 24 * 3600 * 1000

/** Sessions: the programs hob holds, and what is kept of them. */
export const Sessions = Schema.Struct({
  shell: textOrNull(/^[^\0]+$/u, "the path or name of a program", {
    default: null,
    description: "What a session runs when no command is given. null: the user's login shell.",
    applies: "to new sessions"
  }),
  maxCount: whole(1, 100_000, {
    default: 1000,
    description: "Sessions that may run at once.",
    applies: "at once"
  }),
  recentBytes: bytes(
    4 * KiB,
    {
      default: 256 * KiB,
      description: "Output of each session that is kept in memory: what an attaching client sees first.",
      applies: "to new sessions"
    },
    GiB
  ),
  inputQueueBytes: bytes(
    4 * KiB,
    {
      default: MiB,
      description: "Input that may wait for a program that does not read; more is refused.",
      applies: "to new sessions"
    },
    GiB
  ),
  logSegmentBytes: bytes(64 * KiB, {
    default: 16 * MiB,
    description: "A session's log begins a new file at this size.",
    applies: "to new sessions"
  }),
  logMaxBytes: bytes(128 * KiB, {
    default: 256 * MiB,
    description: "The oldest files of a session's log are deleted when all of them together are larger.",
    applies: "to new sessions"
  }),
  logInput: yesNo({
    default: true,
    description: "Whether what is typed into a session is in its log too (passwords among it).",
    applies: "to new sessions"
  }),
  retainCount: whole(0, 1_000_000, {
    default: 1000,
    description: "Ended sessions that stay listed with their logs; the oldest beyond it are removed.",
    applies: "at once"
  }),
  retainMillis: millis({
    default: 30 * day,
    description: "How long ended sessions stay listed with their logs.",
    applies: "at once"
  }),
  restartMaxCount: whole(0, 1_000_000, {
    default: 10,
    description:
      "How often in a row a session with --restart is started anew, if it does not say itself; one that ran for ten minutes counts anew. 0: no limit.",
    applies: "to new sessions"
  }),
  restartDelayMillis: millis({
    default: 1000,
    description: "How long after its end a session with --restart is started anew; doubles each time, up to a minute.",
    applies: "at once"
  }),
  killGraceMillis: millis({
    default: 4000,
    description: "How long a program that was asked to end has before it is killed.",
    applies: "at once"
  }),
  detachKey: text(
    detachKeyPattern,
    'a key such as "C-\\", or several with spaces between, such as "C-b d", or nothing at all',
    {
      default: "C-\\",
      description:
        'What to type to leave a session and let it run on: a key in tmux\'s names, or several with spaces between. "": no key does.',
      applies: "at once"
    }
  ),
  attachHistoryLines: whole(0, 1_000_000, {
    default: 10_000,
    description: "Lines of a session's history that an attaching terminal's own history is filled with.",
    applies: "at once"
  }),
  environmentDeny: variables({
    default: [
      "CLAUDECODE",
      "CLAUDE_CODE_*",
      "CLAUDE_AGENT_SDK_*",
      "CODEX_SANDBOX*",
      "GEMINI_CLI",
      "HAPPY_*",
      "HOB_*",
      "npm_*",
      "INIT_CWD",
      "NODE_CHANNEL_FD",
      "NODE_CHANNEL_SERIALIZATION_MODE",
      "TMUX",
      "TMUX_PANE",
      "STY",
      "WINDOW"
    ],
    description:
      "Variables of the caller that no session gets: they would make a program believe it runs inside the one that started it.",
    applies: "to new sessions"
  }),
  environmentAllow: variables({
    default: [
      "PATH",
      "LANG",
      "LANGUAGE",
      "LC_*",
      "TZ",
      "TMPDIR",
      "XDG_*",
      "DBUS_SESSION_BUS_ADDRESS",
      "SSH_AUTH_SOCK",
      "SSL_CERT_FILE",
      "SSL_CERT_DIR",
      "NIX_*",
      "HTTP_PROXY",
      "HTTPS_PROXY",
      "NO_PROXY",
      "http_proxy",
      "https_proxy",
      "no_proxy",
      "EDITOR",
      "VISUAL",
      "PAGER"
    ],
    description:
      "Variables of the daemon that a session gets when it is not started from somebody's terminal, beside HOME, USER, LOGNAME and SHELL.",
    applies: "to new sessions"
  })
})
