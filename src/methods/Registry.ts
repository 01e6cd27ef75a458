import type { MethodName } from "../protocol/methodNames.ts"
import type { MethodInfo } from "../protocol/methods.ts"
import type { Namespace } from "../protocol/namespaces.ts"

/** A method and who runs it. */
export interface Entry<Owner> {
  readonly info: MethodInfo
  readonly owner: Owner
}

/**
 * Which names lead where. A name belongs to the first that has declared it, until that one gives it up: nothing that is
 * called for years is taken over by a file that somebody adds.
 */
export class Registry<Owner> {
  readonly #namespaces = new Map<Namespace, Map<MethodName, Entry<Owner>>>()

  find(namespace: Namespace, method: MethodName): Entry<Owner> | undefined {
    return this.#namespaces.get(namespace)?.get(method)
  }

  /** Makes of an owner's methods what they are now; gives those whose name another one has. */
  declare(owner: Owner, infos: ReadonlyArray<MethodInfo>): ReadonlyArray<Entry<Owner>> {
    this.forget(owner)
    const taken: Array<Entry<Owner>> = []
    for (const info of infos) {
      let methods = this.#namespaces.get(info.namespace)
      if (methods === undefined) this.#namespaces.set(info.namespace, (methods = new Map()))
      const other = methods.get(info.method)
      if (other === undefined) methods.set(info.method, { info, owner })
      else taken.push(other)
    }
    return taken
  }

  forget(owner: Owner): void {
    for (const [namespace, methods] of this.#namespaces) {
      for (const [name, entry] of methods) if (entry.owner === owner) methods.delete(name)
      if (methods.size === 0) this.#namespaces.delete(namespace)
    }
  }

  /** By namespace and name. */
  list(which: { readonly namespace: Namespace } | "all"): ReadonlyArray<MethodInfo> {
    const chosen = which === "all" ? [...this.#namespaces.keys()].sort() : [which.namespace]
    return chosen.flatMap((namespace) =>
      Array.from(this.#namespaces.get(namespace)?.values() ?? [], ({ info }) => info).sort((a, b) =>
        a.method < b.method ? -1 : 1
      )
    )
  }
}
