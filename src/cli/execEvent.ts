import { spawn } from "node:child_process"
import type { ChannelEvent } from "../protocol/channels.ts"
import { memberText } from "../wire/members.ts"
import { messageText } from "./messages.ts"

/** The longest message that goes into the environment too: the system bounds a variable, and all of them together. */
const LONGEST_VARIABLE_BYTES = 32 * 1024

/**
 * Runs a shell command for an event and waits for its end: `message` on its standard input, and what the event is in
 * its environment. Answers with its exit code as a shell would see it. Rejects when there is no shell.
 */
export const execEvent = (
  command: string,
  { channel, id }: ChannelEvent,
  { env, input, message }: { readonly env: NodeJS.ProcessEnv; readonly input: string; readonly message: string }
): Promise<string> =>
  new Promise((resolve, reject) => {
    const isShort = Buffer.byteLength(message) <= LONGEST_VARIABLE_BYTES && !message.includes("\0")
    const child = spawn("sh", ["-c", command], {
      stdio: ["pipe", "inherit", "inherit"],
      // One that is absent is not inherited either: this may be run by another `hob sub --exec`.
      env: { ...env, HOB_CHANNEL: channel, HOB_EVENT_ID: id, HOB_MESSAGE: isShort ? message : undefined }
    })
    child.on("error", reject)
    child.on("close", (code, signal) => resolve(signal ?? String(code)))
    // It need not read it.
    child.stdin.on("error", () => {})
    child.stdin.end(`${input}\n`)
  })

/** An event's message for who reads it. */
export const messageOf = (event: string): string => messageText(memberText(event, "message")!)
