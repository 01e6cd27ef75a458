import { Schema } from "effect"
import { bytes, text, texts, whole, yesNo } from "./setting.ts"

const KiB = 1024
const MiB = 1024 * KiB

/** This machine on the network: what the devices of an account see of it and may do. */
export const Machine = Schema.Struct({
  enabled: yesNo({
    default: false,
    description:
      "Whether the machine is kept in step with the remote server, once somebody has logged in. `hob machine enable` and `hob machine disable` write this.",
    applies: "at once"
  }),
  serverUrl: text(/^https?:\/\/[^\s\0/?#]+(?:\/[^\s\0?#]*)?$/u, "an address such as https://happy.example.org", {
    default: "https://api.cluster-fluster.com",
    description: "The remote server. HAPPY_SERVER_URL in the daemon's environment goes before it.",
    applies: "at once"
  }),
  webappUrl: text(/^https?:\/\/[^\s\0/?#]+(?:\/[^\s\0?#]*)?$/u, "an address such as https://app.example.org", {
    default: "https://app.happy.engineering",
    description:
      "Where `hob machine pair` sends a browser. HAPPY_WEBAPP_URL in the daemon's environment goes before it.",
    applies: "at once"
  }),
  permissions: texts(/^(?:read|write|shell)$/u, 'a list of "read", "write" and "shell"', {
    default: [],
    description:
      "What devices of the account may do beside starting, stopping and resuming sessions: read files, write them, and run commands, in machine.directories. A command that is run is held by nothing but its user's rights, wherever it begins.",
    applies: "at once"
  }),
  directories: texts(/^(?:\/|~(?:\/|$))[^\0]{0,4095}$/u, 'a list of absolute paths, or such as "~/src"', {
    default: [],
    description: "The directories in which machine.permissions hold, by their real paths.",
    applies: "at once"
  }),
  fileBytes: bytes(
    KiB,
    {
      default: 8 * MiB,
      description: "The largest file that a device may read or write, and the most that a command may print.",
      applies: "at once"
    },
    64 * MiB
  ),
  maxCallCount: whole(1, 1000, {
    default: 32,
    description: "Remote calls that are answered at once; further ones are refused.",
    applies: "at once"
  })
})
