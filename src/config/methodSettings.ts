import { Schema } from "effect"
import { bytes, methodCommands, millis, whole } from "./setting.ts"

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/** A user's own work: functions of modules, and commands with a name. */
export const MethodsSettings = Schema.Struct({
  commands: methodCommands({
    default: {},
    description:
      "Methods that are commands, by name (`name`, or `namespace/name`), each with `command` (a list) and, if wanted, `cwd`, `env`, `timeout`, `description`, `params` and `result` (JSON Schema). The parameters come as JSON on stdin; what it writes to stdout is the result, as JSON if it is that.",
    applies: "at once"
  }),
  maxModuleCount: whole(0, 10_000, {
    default: 200,
    description: "Modules that may be added, each with a process of its own once it is called.",
    applies: "at once"
  }),
  maxInFlightCount: whole(1, 1_000_000, {
    default: 16_384,
    description: "Calls that may be in hand for one module, or for all commands together; more are refused.",
    applies: "at once"
  }),
  queueBytes: bytes(
    64 * KiB,
    {
      default: 64 * MiB,
      description: "Parameters that may wait for a module whose process does not read them; more are refused.",
      applies: "at once"
    },
    GiB
  ),
  maxCommandCount: whole(1, 10_000, {
    default: 16,
    description: "Methods that are commands may run so many at once; others wait.",
    applies: "after a restart"
  }),
  resultBytes: bytes(
    KiB,
    {
      default: 16 * MiB,
      description: "The longest result of a method, as JSON.",
      applies: "at once"
    },
    256 * MiB
  ),
  memoryBytes: bytes(32 * MiB, {
    default: 512 * MiB,
    description: "Memory of a module's process; one that takes more is ended and started anew.",
    applies: "at once"
  }),
  loadMillis: millis(
    {
      default: 30_000,
      description: "How long a module may take to load.",
      applies: "at once"
    },
    100
  ),
  graceMillis: millis(
    {
      default: 5000,
      description:
        "How long a method has to stop once nobody waits for it any more, before its process is ended or replaced.",
      applies: "at once"
    },
    10
  ),
  unattendedMillis: millis({
    default: 3_600_000,
    description:
      "How long a method may take that a job or a webhook calls, where neither they nor the method say. 0: no limit. Calls by people have none.",
    applies: "at once"
  }),
  idleMillis: millis({
    default: 300_000,
    description:
      "A module's process is ended when it had nothing to do for so long, and started when it is called. 0: never; that of a class never is, for its instance keeps state.",
    applies: "at once"
  })
})
