import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable, Writable } from "node:stream"

/** A page in a real browser. */
export interface Page {
  /** Goes to an address, and waits until what is there has loaded. */
  readonly open: (url: string) => Promise<void>
  /** The value of a JavaScript expression in the page, once it is there if it is a promise. Fails as the page does. */
  readonly value: <A>(expression: string) => Promise<A>
}

export interface Browser {
  /** A page of its own, which shares cookies with the others. */
  readonly page: () => Promise<Page>
  readonly close: () => Promise<void>
}

interface Answer {
  readonly id?: number
  readonly error?: { readonly message: string }
  readonly result?: unknown
  readonly method?: string
  readonly sessionId?: string
}

/**
 * Starts Chromium without a window, with an empty profile, and speaks the DevTools protocol with it through two pipes
 * (`--remote-debugging-pipe`: JSON, each message ended by a zero byte), so that it needs no port.
 */
export const startBrowser = async (): Promise<Browser> => {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"))
  const child = spawn(
    "chromium",
    [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-quic",
      "--disable-sync",
      "--disable-component-update",
      "--disable-background-networking",
      "--no-first-run",
      `--user-data-dir=${profile}`,
      "--remote-debugging-pipe",
      "about:blank"
    ],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], env: { ...process.env, HOME: profile } }
  )
  const [toBrowser, fromBrowser] = [child.stdio[3] as Writable, child.stdio[4] as Readable]
  const waiting = new Map<number, { readonly done: (result: never) => void; readonly failed: (error: Error) => void }>()
  const listeners = new Set<(answer: Answer) => void>()
  const failAll = (error: Error): void => {
    for (const { failed } of waiting.values()) failed(error)
    waiting.clear()
  }
  toBrowser.on("error", failAll)
  child.on("error", failAll)
  const closed = new Promise<void>((done) => {
    child.once("close", () => {
      failAll(new Error("the browser is gone"))
      done()
    })
  })

  let rest = ""
  fromBrowser.setEncoding("utf8").on("data", (text: string) => {
    const messages = (rest + text).split("\0")
    rest = messages.pop() ?? ""
    for (const message of messages) {
      const answer = JSON.parse(message) as Answer
      const asker = answer.id === undefined ? undefined : waiting.get(answer.id)
      if (asker === undefined) for (const listener of listeners) listener(answer)
      else if (answer.error === undefined) asker.done(answer.result as never)
      else asker.failed(new Error(answer.error.message))
      if (answer.id !== undefined) waiting.delete(answer.id)
    }
  })

  let lastId = 0
  const ask = <A>(method: string, params: object = {}, sessionId?: string): Promise<A> =>
    new Promise<A>((done, failed) => {
      const id = ++lastId
      waiting.set(id, { done, failed })
      toBrowser.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`)
    })

  interface Evaluated {
    readonly result: { readonly value: unknown }
    readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } }
  }

  const page = async (): Promise<Page> => {
    const { targetId } = await ask<{ targetId: string }>("Target.createTarget", { url: "about:blank" })
    const { sessionId } = await ask<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true })
    await ask("Page.enable", {}, sessionId)
    return {
      open: async (url) => {
        const loaded = new Promise<void>((done) => {
          const listener = ({ method, sessionId: of }: Answer): void => {
            if (of !== sessionId || method !== "Page.loadEventFired") return
            listeners.delete(listener)
            done()
          }
          listeners.add(listener)
        })
        const { errorText } = await ask<{ errorText?: string }>("Page.navigate", { url }, sessionId)
        if (errorText !== undefined) throw new Error(`${url}: ${errorText}`)
        await loaded
      },
      value: async <A>(expression: string) => {
        const params = { expression, awaitPromise: true, returnByValue: true }
        const { exceptionDetails, result } = await ask<Evaluated>("Runtime.evaluate", params, sessionId)
        if (exceptionDetails !== undefined)
          throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`)
        return result.value as A
      }
    }
  }

  return {
    page,
    close: async () => {
      child.kill("SIGKILL")
      await closed
      rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
    }
  }
}
