import type { MachineStatus } from "../../protocol/machine.ts"
import { age, oneLine } from "./text.ts"

const states: Readonly<Record<MachineStatus["state"], string>> = {
  off: "off: `hob machine enable` keeps this machine in step with the server",
  "logged-out": "not logged in",
  registering: "telling the server of this machine",
  connecting: "connecting",
  confirming: "connected; waiting for the server to confirm",
  ready: "ready: devices of the account can call it",
  waiting: "out of step"
}

const credentials = ({ credentials, credentialsFile }: MachineStatus): string => {
  if (credentials === null) return "none"
  const what = credentials === "legacy" ? "the account's secret" : "a key of this machine"
  return `${what}, in ${oneLine(credentialsFile)}`
}

/** The page of `hob machine status`. */
export const machinePage = (status: MachineStatus, now: number): string => {
  const { another, calls, clockSkewMillis, failures, machineId, nextAttemptAt, reason, serverUrl, since, state } =
    status
  const skew = Math.round(clockSkewMillis / 1000)
  const rows: ReadonlyArray<readonly [name: string, value: string | null]> = [
    ["machine", oneLine(machineId)],
    ["state", `${states[state]}${state === "off" ? "" : ` (for ${age(since, now)})`}`],
    ["reason", reason === null ? null : oneLine(reason)],
    [
      "next try",
      nextAttemptAt === null
        ? null
        : `in ${Math.max(0, Math.ceil((Date.parse(nextAttemptAt) - now) / 1000))} s, after ${failures} in a row that failed`
    ],
    ["server", oneLine(serverUrl)],
    ["credentials", credentials(status)],
    ["calls", calls.length === 0 ? null : calls.map(oneLine).join(", ")],
    ["clock", skew === 0 ? null : `the server's is ${Math.abs(skew)} s ${skew > 0 ? "ahead" : "behind"}`],
    ["another", another === null ? null : `a daemon elsewhere has this machine's id too: ${oneLine(another)}`]
  ]
  const shown = rows.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))
  return shown.map(([name, value]) => `${name.padEnd(11)} ${value}`).join("\n")
}
