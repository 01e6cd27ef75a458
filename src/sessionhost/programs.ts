import { startPipes } from "./pipe.ts"
import { preflight } from "./preflight.ts"
import { ptyUnavailable, startPty } from "./pty.ts"
import type { Programs } from "./SessionHost.ts"

/** Real programs: on terminals and on pipes. */
export const programs: Programs = { pty: startPty, pipe: startPipes, preflight, ptyUnavailable }
