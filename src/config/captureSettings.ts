import { Schema } from "effect"
import { excludedByDefault } from "./excludedByDefault.ts"
import { bytes, expressions, millis, texts, whole, yesNo } from "./setting.ts"

const KiB = 1024
const MiB = 1024 * 1024
const day = 24 * 3600 * 1000

/** What is said to coding agents, and what they say and change. */
export const Capture = Schema.Struct({
  enabled: yesNo({
    default: true,
    description: "Whether anything is captured. What was captured before stays.",
    applies: "at once"
  }),
  claudeSessions: yesNo({
    default: true,
    description:
      "Whether a `claude` that is the program of a session is given hob's hooks (by `--settings`, in a file of hob's own), so that it is captured without `hob capture install`.",
    applies: "to new sessions"
  }),
  excludePatterns: texts(/^[^\0]{1,256}$/u, 'a list of patterns of files, such as ["*.env", "secrets/"]', {
    default: excludedByDefault,
    description:
      "Files whose changes are not captured. `*` and `?` stand for parts of a name, `**` for several names; a pattern without `/` is compared with every name of a path, whatever its case.",
    applies: "at once"
  }),
  secretPatterns: expressions({
    default: [],
    description:
      "Regular expressions of what is masked beside the secrets that hob knows by themselves. Where one has a group `(?<secret>…)`, that alone is.",
    applies: "at once"
  }),
  encrypt: yesNo({
    default: false,
    description:
      "Whether what is captured from now on is written to the store encrypted (AES-256-GCM), with a key that is kept where `secrets.store` says. Without that key it can't be read again. What is saved into repositories is not.",
    applies: "at once"
  }),
  saveOnStop: yesNo({
    default: true,
    description:
      "Whether `hob stop` saves what is not saved yet, into those repositories where capture is installed or that have a `.prompts/`.",
    applies: "at once"
  }),
  saveOnStopMillis: whole(0, 60_000, {
    default: 3000,
    description: "How long that may take; what is not saved by then stays in the store.",
    applies: "at once"
  }),
  messageBytes: bytes(
    1024,
    {
      default: 256 * KiB,
      description: "The longest text of a message or a change that is kept; what is beyond is cut, and marked as cut.",
      applies: "at once"
    },
    16 * MiB
  ),
  captureBytes: bytes(64 * KiB, {
    default: 32 * MiB,
    description: "How much one capture may hold; what comes then is left out and counted.",
    applies: "at once"
  }),
  maxCount: whole(10, 1_000_000, {
    default: 10_000,
    description:
      "Captures that are kept; beyond it those go first that are closed and saved. Where none is, no further one is begun.",
    applies: "at once"
  }),
  closeMillis: millis({
    default: day,
    description: "How long nothing may be heard of a capture before it is closed. What comes later opens it again.",
    applies: "at once"
  }),
  retainMillis: millis({
    default: 30 * day,
    description: "How long a closed capture is kept. What was saved of it stays where it was saved.",
    applies: "at once"
  })
})
