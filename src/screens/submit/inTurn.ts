const turns = new WeakMap<object, Promise<unknown>>()

/** Does `act` once everything that was asked for `whom` before has been done, well or not. */
export const inTurn = <A>(whom: object, act: () => Promise<A>): Promise<A> => {
  const mine = (turns.get(whom) ?? Promise.resolve()).then(act, act)
  turns.set(whom, mine)
  return mine
}
