import { Context } from "effect"

/**
 * Marks a method whose handler never waits: it is answered in the connection's own fiber, in order, without a fiber
 * of its own. A handler that does wait is a bug and fails that call.
 */
export const Immediate = Context.Reference<boolean>("hob/protocol/Immediate", { defaultValue: () => false })
