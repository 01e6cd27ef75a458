import { readFileSync } from "node:fs"

/** What a process takes, as /proc says. */
export const usageOf = (pid: number): { readonly residentMebibytes: number } => ({
  residentMebibytes: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024
})
