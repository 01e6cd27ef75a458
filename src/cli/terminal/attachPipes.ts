import type { SessionExit } from "../../protocol/sessions.ts"
import { isPassing } from "../daemon.ts"
import { label } from "../render/session.ts"
import { printError, writeAll } from "../stdio.ts"
import type { AttachmentOptions, AttachmentOutcome } from "./Attachment.ts"
import { SessionStream, type RequestTicket } from "./stream.ts"
import { gapText } from "./ticket.ts"

/**
 * A session on pipes has no terminal to show: the reader's own stays as it is, lines typed into it become the program's
 * standard input, and what it prints appears below. Ctrl-C, Ctrl-\ and the end of input leave it.
 */
export const attachPipes = (
  requestTicket: RequestTicket,
  options: Pick<AttachmentOptions, "readOnly" | "session">
): Promise<AttachmentOutcome> =>
  new Promise((resolve) => {
    const { readOnly, session } = options
    let exit: SessionExit | null = session.exit
    const stream = new SessionStream(requestTicket, isPassing, {
      output: (data) => writeAll(1, data),
      gap: (gap) => printError(`[hob: ${gapText(gap)}]`),
      exited: (how) => {
        exit = how
      }
    })
    const end = (outcome: AttachmentOutcome) => {
      stream.close()
      process.stdin.destroy()
      resolve(outcome)
    }
    for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => end({ type: "detached" }))
    process.stdin.on("end", () => end({ type: "detached" }))
    process.stdin.on("data", (line: Buffer) => {
      if (!readOnly && !stream.send(line)) printError("[hob: the program is not reading; this line was dropped]")
    })
    const typing = readOnly ? "read-only" : "lines you type are its standard input"
    printError(`[session ${label(session)}, on pipes: ${typing}; Ctrl-C detaches]`)
    stream.run().then(
      (how) => how === "ended" && end({ type: "ended", exit }),
      (error: unknown) => end({ type: "failed", error })
    )
  })
