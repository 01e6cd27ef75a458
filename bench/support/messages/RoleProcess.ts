import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type { PeerName } from "./peers.ts"
import type { Order } from "./role.ts"

/** A process of one role, and one word from it for each order. */
export class RoleProcess {
  readonly #child: ChildProcess
  #heard: Array<unknown> = []
  #wake = (): void => {}

  constructor(role: "publisher" | "subscriber", peer: PeerName, address: string) {
    this.#child = fork(join(import.meta.dirname, "role.ts"), [role, peer, address])
    this.#child.on("message", (said) => {
      this.#heard.push(said)
      this.#wake()
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  order(order: Order): void {
    this.#child.send(order)
  }

  async said<A>(): Promise<A> {
    while (this.#heard.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#heard.shift() as A
  }

  end(): void {
    this.#child.kill("SIGKILL")
  }
}
