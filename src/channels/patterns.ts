/** Which patterns a channel's name matches: see `ChannelPattern`. */

/** Whether the name matches the pattern. */
export const matches = (pattern: string, name: string): boolean => {
  const parts = pattern.split(":")
  const segments = name.split(":")
  for (const [at, part] of parts.entries()) {
    if (part === "**") return segments.length > at
    if (at >= segments.length || (part !== "*" && part !== segments[at])) return false
  }
  return parts.length === segments.length
}

/** Whether the pattern names one channel and no other. */
export const isName = (pattern: string): boolean =>
  !pattern.includes("*") || !pattern.split(":").some((part) => part === "*" || part === "**")

/** Whether every name that `inner` matches is matched by `outer` too. */
export const covers = (outer: string, inner: string): boolean => {
  const parts = inner.split(":")
  for (const [at, part] of outer.split(":").entries()) {
    if (part === "**") return parts.length > at
    if (at >= parts.length || parts[at] === "**" || (part !== "*" && part !== parts[at])) return false
  }
  return parts.length === outer.split(":").length
}

/** Whether some name is matched by both. */
export const overlap = (one: string, other: string): boolean => {
  const left = one.split(":")
  const right = other.split(":")
  for (let at = 0; at < left.length && at < right.length; at++) {
    const [a, b] = [left[at], right[at]]
    if (a === "**" || b === "**") return true
    if (a !== "*" && b !== "*" && a !== b) return false
  }
  return left.length === right.length
}

interface Node<A> {
  readonly children: Map<string, Node<A>>
  readonly values: Set<A>
}

const makeNode = <A>(): Node<A> => ({ children: new Map(), values: new Set() })

/**
 * Values under patterns. Finding those of a name costs what its own segments and wildcards cost, however many other
 * patterns there are.
 */
export class PatternIndex<A> {
  readonly #root = makeNode<A>()

  add(pattern: string, value: A): void {
    let node = this.#root
    for (const part of pattern.split(":")) {
      let child = node.children.get(part)
      if (child === undefined) node.children.set(part, (child = makeNode()))
      node = child
    }
    node.values.add(value)
  }

  delete(pattern: string, value: A): void {
    const path = [this.#root]
    const parts = pattern.split(":")
    for (const part of parts) {
      const child = path.at(-1)!.children.get(part)
      if (child === undefined) return
      path.push(child)
    }
    path.at(-1)!.values.delete(value)
    for (let at = parts.length; at > 0 && isEmpty(path[at]!); at--) path[at - 1]!.children.delete(parts[at - 1]!)
  }

  /** Everything under a pattern that matches the name, each once. */
  find(name: string): Set<A> {
    const found = new Set<A>()
    this.#collect(this.#root, name.split(":"), 0, found)
    return found
  }

  /** Every pattern that something is under, with what is. */
  *entries(): Generator<readonly [pattern: string, values: ReadonlySet<A>]> {
    yield* walk(this.#root, [])
  }

  #collect(node: Node<A>, segments: ReadonlyArray<string>, at: number, found: Set<A>): void {
    if (at === segments.length) {
      for (const value of node.values) found.add(value)
      return
    }
    const rest = node.children.get("**")
    if (rest !== undefined) for (const value of rest.values) found.add(value)
    const exact = node.children.get(segments[at]!)
    if (exact !== undefined) this.#collect(exact, segments, at + 1, found)
    const any = node.children.get("*")
    if (any !== undefined) this.#collect(any, segments, at + 1, found)
  }
}

function* walk<A>(node: Node<A>, path: ReadonlyArray<string>): Generator<readonly [string, ReadonlySet<A>]> {
  if (node.values.size > 0) yield [path.join(":"), node.values]
  for (const [part, child] of node.children) yield* walk(child, [...path, part])
}

const isEmpty = <A>(node: Node<A>): boolean => node.children.size === 0 && node.values.size === 0
