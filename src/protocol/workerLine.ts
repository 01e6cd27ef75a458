/** The descriptor of the line to the daemon in a module's process. Without effect: that process has none. */
export const WORKER_LINE = 3
