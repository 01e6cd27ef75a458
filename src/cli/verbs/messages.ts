/** The commands about channels, which are loaded together. */
export { channels } from "./channels.ts"
export { events } from "./events.ts"
export { pub } from "./pub.ts"
export { sub } from "./sub.ts"
