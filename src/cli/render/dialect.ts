import type { DialectStatus } from "../../protocol/dialectStatus.ts"
import { age, columns, oneLine } from "./text.ts"

/** What `hob dialect ls` prints: one line each; why one is not up stands below it. */
export const dialectTable = (dialects: ReadonlyArray<DialectStatus>, now: number): string => {
  const rows = dialects.map(({ args, name, since, socket, state }) => [
    [name, ...args].join(" "),
    state,
    state === "disabled" || since === null ? "-" : age(since, now),
    socket
  ])
  const [head, ...lines] = columns([["DIALECT", "STATE", "SINCE", "SOCKET"], ...rows]).split("\n")
  const withReasons = lines.flatMap((line, index) => {
    const reason = dialects[index]!.reason
    return reason === null ? [line] : [line, `  ${oneLine(reason)}`]
  })
  return [head, ...withReasons].join("\n")
}

/** One dialect on the page of `hob status`. */
export const dialectText = ({ args, name, reason, socket, state }: DialectStatus): string =>
  `${oneLine([name, ...args].join(" "))} ${state}${reason === null ? ` at ${socket}` : `: ${oneLine(reason)}`}`
