import { adoptPipes, startPipes } from "./pipe.ts"
import { preflight } from "./preflight.ts"
import type { AdoptProgram } from "./program.ts"
import { adoptPty, ptyUnavailable, startPty } from "./pty.ts"
import type { Programs } from "./SessionHost.ts"

const adopt: AdoptProgram = (state, inputQueueBytes, listener) =>
  state.kind === "pty" ? adoptPty(state, inputQueueBytes, listener) : adoptPipes(state, inputQueueBytes, listener)

/** Real programs: on terminals and on pipes. */
export const programs: Programs = { pty: startPty, pipe: startPipes, adopt, preflight, ptyUnavailable }
