/** The class that programs written for gitify-prompt's daemon know, over hob's own protocol: no dialect has to be enabled for it. */
import { isAbsolute } from "node:path"
import type { CaptureConfig } from "../protocol/capture.ts"
import type { Capture, CaptureEntry } from "../protocol/captureEntries.ts"
import { makePaths } from "../config/paths.ts"
import { ensureDaemon } from "./start.ts"
import { call, CallError } from "./wire/bare.ts"

type Arguments = Readonly<Record<string, unknown>>

const text = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value)
const absolute = (value: unknown): string | undefined =>
  typeof value === "string" && isAbsolute(value) ? value : undefined

/** Whether it is about a session that is not there: gitify-prompt takes no notice of that. */
const isNoSession = (error: unknown): boolean =>
  error instanceof CallError && ["CaptureNotFound", "PathOutsideRepository"].includes(error.data?._tag ?? "")

const roles: ReadonlySet<string> = new Set(["user", "assistant", "system", "tool"])

/** What a program says of itself, as far as captures have fields for it. */
const metadataOf = (given: Arguments): Arguments =>
  Object.fromEntries(
    Object.entries(given).filter(
      ([name, value]) =>
        !["cwd", "repoPath"].includes(name) &&
        /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) &&
        (["string", "boolean"].includes(typeof value) ||
          Number.isFinite(value) ||
          (Array.isArray(value) && value.every((each) => typeof each === "string")))
    )
  )

/** A client of hob's captures with gitify-prompt's methods. Starts the daemon where none runs; only `isRunning` does not. */
export class DaemonClient {
  /** One of gitify-prompt's commands. Rejects where the daemon refuses it. */
  async send(command: string, args: Arguments = {}): Promise<unknown> {
    switch (command) {
      case "ping":
        await this.#ask("daemon.ping", {})
        return { pong: true }
      case "createSession":
        return { sessionId: await this.createSession(text(args["tool"]), (args["metadata"] ?? {}) as Arguments) }
      case "addMessage":
        await this.addMessage(text(args["sessionId"]), text(args["role"]), text(args["content"]))
        return { success: true }
      case "addCodeChange":
        await this.addCodeChange(
          text(args["sessionId"]),
          text(args["filePath"]),
          text(args["beforeContent"]),
          text(args["afterContent"])
        )
        return { success: true }
      case "saveSession":
        await this.saveSession(text(args["sessionId"]), args["commitSha"] as string | undefined)
        return { success: true }
      case "getActiveSessions":
        return { sessions: await this.getActiveSessions() }
      case "getConfig":
        return { config: await this.getConfig() }
      case "status":
        return {
          running: true,
          activeSessions: (await this.getActiveSessions()).length,
          config: await this.getConfig()
        }
      default:
        throw new Error(`Unknown command: ${command}`)
    }
  }

  /** Whether a daemon answers. */
  async isRunning(): Promise<boolean> {
    try {
      await call(makePaths(process.env).socket, "daemon.ping", {}, { timeoutMillis: 5000 })
      return true
    } catch {
      return false
    }
  }

  /** Begins a capture; gives its id. */
  async createSession(tool: string, metadata: Arguments = {}): Promise<string> {
    const cwd = absolute(metadata["cwd"]) ?? absolute(metadata["repoPath"])
    const where = cwd === undefined ? {} : { cwd }
    const { id } = (await this.#ask("capture.create", { tool, metadata: metadataOf(metadata), ...where })) as Capture
    return id
  }

  async addMessage(sessionId: string, role: string, content: string): Promise<void> {
    await this.#forgiving("capture.addMessage", {
      capture: sessionId,
      role: roles.has(role) ? role : "system",
      content
    })
  }

  async addCodeChange(sessionId: string, filePath: string, beforeContent: string, afterContent: string): Promise<void> {
    const before = beforeContent === "" ? null : beforeContent
    await this.#forgiving("capture.addCodeChange", { capture: sessionId, path: filePath, before, after: afterContent })
  }

  /** Writes it into the `.prompts/` of its repository, and closes it. */
  async saveSession(sessionId: string, commitSha?: string): Promise<void> {
    const commit = commitSha === undefined ? {} : { commit: commitSha }
    await this.#forgiving("capture.save", { capture: sessionId, close: true, ...commit })
  }

  /** The captures that are open, oldest first, with what was said in them. */
  async getActiveSessions(): Promise<ReadonlyArray<Capture & { readonly entries: ReadonlyArray<CaptureEntry> }>> {
    const { captures } = (await this.#ask("capture.list", {})) as { readonly captures: ReadonlyArray<Capture> }
    const sessions: Array<Capture & { readonly entries: ReadonlyArray<CaptureEntry> }> = []
    for (const capture of captures.toReversed()) {
      const entries: Array<CaptureEntry> = []
      for (let after: number | null = 0; after !== null;) {
        const part: { readonly entries: ReadonlyArray<CaptureEntry>; readonly next: number | null } = (await this.#ask(
          "capture.show",
          { capture: capture.id, after }
        )) as never
        entries.push(...part.entries)
        after = part.next
      }
      sessions.push({ ...capture, entries })
    }
    return sessions
  }

  async getConfig(): Promise<CaptureConfig> {
    return (await this.#ask("capture.config", {})) as CaptureConfig
  }

  async #ask(method: string, params: unknown): Promise<unknown> {
    const { socket } = await ensureDaemon({ paths: makePaths(process.env), start: true })
    return call(socket, method, params)
  }

  async #forgiving(method: string, params: unknown): Promise<void> {
    try {
      await this.#ask(method, params)
    } catch (error) {
      if (!isNoSession(error)) throw error
    }
  }
}
