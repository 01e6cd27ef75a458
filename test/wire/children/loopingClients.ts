/** Clients that connect, read to the end and connect again, until told to stop; then it says how that went. */
import { connect } from "../../../src/wire/unixSocket.ts"

const [path, clients] = [process.argv[2]!, Number(process.argv[3])]
const counts: Record<string, number> = { good: 0 }
const order = { stopping: false }
// Whatever becomes of the test.
process.once("disconnect", () => process.exit())
process.once("message", () => (order.stopping = true))

const once = async (): Promise<void> => {
  const socket = await connect(path)
  let text = ""
  for await (const chunk of socket) text += String(chunk)
  if (!text.startsWith("hello")) throw Object.assign(new Error("cut short"), { code: "ECONNRESET" })
}

const codeOf = (error: unknown): string => {
  const { cause, code } = error as { readonly code?: string; readonly cause?: { readonly code?: string } }
  return code ?? cause?.code ?? String(error)
}

const loop = async (): Promise<void> => {
  while (!order.stopping) {
    try {
      await once()
      counts["good"]!++
    } catch (error) {
      const code = codeOf(error)
      counts[code] = (counts[code] ?? 0) + 1
    }
  }
}

const all = Array.from({ length: clients }, loop)
process.send!("looping")
await Promise.all(all)
process.send!(counts)
