import { spawn } from "node:child_process"
import { childDescriptors } from "./ChildDescriptors.ts"

/** A file system did not answer in time: a dead network or FUSE mount. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer"
}

/**
 * Asks file systems that may never answer. Each question that hangs keeps one of the few threads that Node has for
 * files until the mount comes back, and with all of them gone the whole process would hang. So as long as one hangs,
 * a path is first tried by a child process.
 */
export class Answering {
  readonly #deadlineMillis: number
  readonly #probe: Probe
  #hanging = 0

  constructor(deadlineMillis: number, probe: Probe = probeByChild) {
    this.#deadlineMillis = deadlineMillis
    this.#probe = probe
  }

  /** The answer of `question`, which is about `path`; rejects with {@link NoAnswer} after the deadline. */
  async ask<A>(path: string, question: (path: string) => Promise<A>): Promise<A> {
    if (this.#hanging > 0 && !(await this.#probe(path, this.#deadlineMillis))) throw this.#noAnswer(path)
    let timer: NodeJS.Timeout | undefined
    let late = false
    const answer = question(path)
    const settled = () => {
      clearTimeout(timer)
      if (late) this.#hanging--
    }
    answer.then(settled, settled)
    return Promise.race([
      answer,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          late = true
          this.#hanging++
          reject(this.#noAnswer(path))
        }, this.#deadlineMillis)
      })
    ])
  }

  #noAnswer(path: string): NoAnswer {
    return new NoAnswer(`${path} gave no answer within ${this.#deadlineMillis} ms; is it on a mount that is gone?`)
  }
}

/** Whether somebody who asks for `path` gets an answer, be it "not there", within so many milliseconds. */
export type Probe = (path: string, deadlineMillis: number) => Promise<boolean>

const probeByChild: Probe = (path, deadlineMillis) =>
  new Promise((resolve) => {
    childDescriptors.keep()
    const child = spawn("/bin/sh", ["-c", 'test -e "$1"', "sh", path], { cwd: "/", env: {}, stdio: "ignore" })
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      child.unref()
      resolve(false)
    }, deadlineMillis)
    const done = () => {
      clearTimeout(timer)
      resolve(true)
    }
    child.once("exit", done)
    child.once("error", done)
  })
