import { Context } from "effect"

/**
 * Marks a method that goes on for as long as its client wants: a subscription, a wait. It is cancelled as soon as the
 * daemon is told to stop, instead of holding the stop up as a call does that is about to be answered.
 */
export const Endless = Context.Reference<boolean>("hob/protocol/Endless", { defaultValue: () => false })
