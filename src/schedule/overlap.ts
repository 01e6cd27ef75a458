import type { Overlap } from "../protocol/schedule.ts"

/** What becomes of a run that is due while the job has `running` runs and `queued` waiting: see the setting of each limit. */
export const decideOverlap = (
  overlap: Overlap,
  job: { readonly running: number; readonly queued: number },
  limits: { readonly queueCount: number; readonly overlapCount: number }
): "start" | "queue" | "skip" => {
  const { queued, running } = job
  if (running + queued === 0) return "start"
  switch (overlap) {
    case "skip":
      return "skip"
    case "queue":
      return queued < limits.queueCount ? "queue" : "skip"
    case "allow":
      return running + queued < limits.overlapCount ? "start" : "skip"
  }
}
