/**
 * Whether what clients saw of one lock can have been one lock: is there an order of all operations, each at one instant
 * between its request and its answer, in which a single lock gives just these answers (Wing and Gong's search, with what
 * has been tried remembered). Leases end by themselves: not before their ttl has passed, and not after.
 */

/** Instants are milliseconds on one monotonic clock. */
interface Asked {
  readonly who: string
  /** Before the request was sent. */
  readonly from: number
  /** After the answer was there; Infinity when there was none, or the client was killed: it may have happened or not. */
  readonly to: number
}

export type Seen = Asked &
  (
    | {
        readonly type: "acquire"
        readonly ttl: number
        /** The connection it is bound to. */
        readonly client?: number | undefined
        readonly answer?:
          | { readonly token: number; readonly renewed: boolean; readonly waited: number }
          | { readonly heldBy: string }
      }
    | { readonly type: "renew"; readonly token: number; readonly ttl: number; readonly answer?: "done" | "refused" }
    | { readonly type: "release"; readonly token: number; readonly answer?: "done" | "refused" }
    /** A connection has ended, from this instant on. */
    | { readonly type: "end"; readonly client: number }
  )

interface State {
  readonly holder: string | undefined
  /** Undefined when nobody was told. */
  readonly token: number | undefined
  readonly client: number | undefined
  /** The lease is over no earlier than this, and no later than that. */
  readonly least: number
  readonly most: number
  /** The greatest token that anybody was told of. */
  readonly greatest: number
  /** No later than the last instant that the order has come to. */
  readonly now: number
}

/** The daemon counts whole milliseconds. */
const ROUNDING_MILLIS = 1

const free = { holder: undefined, token: undefined, client: undefined, least: Infinity, most: Infinity }

/** Undefined when there is such an order; else up to where the longest attempt came, for people. */
export const check = (seen: ReadonlyArray<Seen>): string | undefined => {
  const all = seen.toSorted((a, b) => a.to - b.to || a.from - b.from)
  const isDone = all.map(() => false)
  const needed = all.filter(({ to }) => to < Infinity).length
  const tried = new Set<string>()
  let best = -1
  let stuck = ""

  const search = (state: State, done: number): boolean => {
    if (done === needed) return true
    const first = all.findIndex((_, index) => !isDone[index])
    const limit = all[first]!.to
    const key = `${isDone.map(Number).join("")} ${Object.values(state).join(" ")}`
    if (tried.has(key)) return false
    tried.add(key)
    if (done > best) {
      best = done
      stuck = `${JSON.stringify(state)}, and then one of ${all
        .filter((each, index) => !isDone[index] && each.from <= limit)
        .map((each) => JSON.stringify(each))
        .join("\n")}`
    }
    for (let index = first; index < all.length; index++) {
      const each = all[index]!
      if (isDone[index] || each.from > limit) continue
      const next = apply({ ...state, now: Math.max(state.now, each.from) }, each)
      if (next === undefined || next.now > limit) continue
      isDone[index] = true
      if (search(next, done + Number(each.to < Infinity))) return true
      isDone[index] = false
    }
    if (state.holder === undefined || state.least > limit) return false
    return search({ ...state, ...free, now: Math.max(state.now, state.least) }, done)
  }
  return search({ ...free, greatest: 0, now: -Infinity }, 0) ? undefined : stuck
}

/** What the lock is after it; undefined when it can't have given that answer. */
const apply = (state: State, seen: Seen): State | undefined => {
  const isHeld = state.holder !== undefined && state.now <= state.most
  const isOwn = isHeld && state.holder === seen.who
  switch (seen.type) {
    case "acquire": {
      const { answer, client, from, to, ttl, who } = seen
      if (answer !== undefined && "heldBy" in answer) {
        return isHeld && answer.heldBy === state.holder && answer.heldBy !== who ? state : undefined
      }
      const since = from + (answer?.waited ?? 0)
      const given = { holder: who, client, least: since + ttl - 2 * ROUNDING_MILLIS, most: to + ttl + ROUNDING_MILLIS }
      if (answer === undefined) {
        if (state.holder !== undefined && state.holder !== who) return undefined
        return { ...state, ...given, token: state.holder === who ? state.token : undefined, most: Infinity }
      }
      if (answer.renewed) {
        const isSame = state.token === undefined ? answer.token > state.greatest : state.token === answer.token
        if (!isOwn || !isSame) return undefined
        return { ...state, ...given, token: answer.token, greatest: Math.max(state.greatest, answer.token) }
      }
      if (state.holder !== undefined || answer.token <= state.greatest) return undefined
      return { ...state, ...given, token: answer.token, greatest: answer.token }
    }
    case "renew": {
      const { answer, from, to, token, ttl } = seen
      const mayBe = isOwn && (state.token === undefined || state.token === token)
      if (answer === "refused") return isOwn && state.token === token ? undefined : state
      if (!mayBe) return answer === undefined ? state : undefined
      return { ...state, least: from + ttl - ROUNDING_MILLIS, most: to + ttl + ROUNDING_MILLIS }
    }
    case "release": {
      const { answer, token } = seen
      const mayBe = isOwn && (state.token === undefined || state.token === token)
      if (answer === "refused") return isOwn && state.token === token ? undefined : state
      if (!mayBe) return answer === undefined ? state : undefined
      return { ...state, ...free }
    }
    case "end":
      return state.holder !== undefined && state.client === seen.client ? { ...state, ...free } : undefined
  }
}
