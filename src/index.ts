/**
 * hob as a library: the Layers a daemon is made of, to embed the whole of it or a part, and the client.
 *
 * `Daemon.layer({ paths: makePaths({ HOB_HOME: "/somewhere" }) })` is a daemon in this process; `HobClient.layer()` or
 * `connect()` talk to one, wherever it runs.
 */
export { Concerns } from "./actors/Concerns.ts"
export * as Mailbox from "./actors/Mailbox.ts"
export { HobConfig } from "./config/HobConfig.ts"
export { Connections } from "./actors/Connections.ts"
export * as NativeSocket from "./connection/layer.ts"
export * as Daemon from "./daemon/Daemon.ts"
export { Shutdown } from "./actors/Shutdown.ts"
export { HostLink } from "./sessions/HostLink.ts"
export { HostProcess } from "./sessions/HostProcess.ts"
export * as SessionsConcern from "./sessions/layer.ts"
export { Sessions } from "./sessions/Sessions.ts"
export * as LockFile from "./storage/LockFile.ts"
export * from "./client/index.ts"
export * as protocol from "./protocol/index.ts"
