import { Schema } from "effect"
import { bytes, millis, whole } from "./setting.ts"

const KiB = 1024
const MiB = 1024 * KiB
const day = 24 * 3600 * 1000

/** Jobs that run when their time has come. */
export const Schedule = Schema.Struct({
  maxCount: whole(1, 10_000_000, {
    default: 100_000,
    description: "Jobs that there may be, in all namespaces together.",
    applies: "at once"
  }),
  maxRunningCount: whole(1, 100_000, {
    default: 1000,
    description: "Jobs whose methods may run at once; others wait until one has ended.",
    applies: "at once"
  }),
  maxCommandCount: whole(1, 100_000, {
    default: 50,
    description:
      "Jobs whose commands may run at once, each in a session of its own; others wait until one has ended. Below sessions.maxCount.",
    applies: "at once"
  }),
  queueCount: whole(1, 10_000, {
    default: 10,
    description: "Runs of one job that may wait for it to end, of those whose overlaps are queued.",
    applies: "at once"
  }),
  overlapCount: whole(1, 10_000, {
    default: 10,
    description: "Runs of one job that may go on at once, of those whose overlaps are allowed.",
    applies: "at once"
  }),
  missedMillis: millis({
    default: 60_000,
    description:
      "A slot that is found so much later than it was due, or more, counts as missed: the machine slept, its clock was set forward, or no daemon ran.",
    applies: "at once"
  }),
  outputBytes: bytes(
    0,
    {
      default: 16 * KiB,
      description: "How much of what a run printed, its end, or answered with, its beginning, goes into the history.",
      applies: "at once"
    },
    MiB
  ),
  historyCount: whole(1, 100_000, {
    default: 100,
    description: "How many runs of a job its history keeps.",
    applies: "at once"
  }),
  historyMillis: millis({
    default: 30 * day,
    description: "How long a run is kept in the history.",
    applies: "at once"
  }),
  historyBytes: bytes(64 * KiB, {
    default: 64 * MiB,
    description: "How much the history of all jobs keeps; beyond it the oldest runs are forgotten.",
    applies: "at once"
  })
})
