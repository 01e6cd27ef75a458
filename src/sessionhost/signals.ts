import { constants } from "node:os"

const names = new Map<number, string>()
// SIGIOT and SIGPOLL are other names for SIGABRT and SIGIO, listed after them.
for (const [name, number] of Object.entries(constants.signals)) {
  if (!names.has(number)) names.set(number, name)
}
const firstRealTime = 34

/** The name of a signal's number, such as `SIGKILL`; a real-time signal is `SIGRTMIN+n`, as `kill -l` prints it. */
export const signalName = (signal: number): string =>
  names.get(signal) ?? (signal >= firstRealTime ? `SIGRTMIN+${signal - firstRealTime}` : `SIG${signal}`)
