/** The client library: hob's methods, typed, as Effects or as Promises. */
export { connect, type ConnectOptions, HobClient, type PromiseClient } from "./HobClient.ts"
export { type Lost, type Regained, subscribe, type SubscribeOptions, type SubscriptionItem } from "./subscribe.ts"
export { DaemonClient } from "./gitify.ts"
export {
  callViaDaemon,
  type CallViaDaemonOptions,
  getDaemonDir,
  getDaemonIdentifier,
  getDaemonLogPath,
  getDaemonPidPath,
  getDaemonSocketPath,
  isDaemonRunning,
  MidcltError,
  type MidcltProgress,
  type MidcltResponse,
  pingViaDaemon,
  sendToDaemon,
  stopDaemon,
  type ViaDaemonOptions
} from "./midclt.ts"
export { sendCommand } from "./photonCommand.ts"
export { listJobs, type PhotonJob, type PhotonScheduled, scheduleJob, unscheduleJob } from "./photonJobs.ts"
export { startWebhookServer } from "./photonWebhooks.ts"
export { type HeldLock, holdLock, LockLost, type LockOptions } from "./lock.ts"
export { type LockFailure, withLock } from "./withLock.ts"
export { acquireLock, listLocks, type PhotonLock, publishToChannel, releaseLock, subscribeChannel } from "./photon.ts"
export { type SubscribeFailure, subscribeStream } from "./subscribeStream.ts"
export { CallError } from "./wire/bare.ts"
export { ensureDaemon, type EnsureOptions, findDaemon, NotRunning, StartFailed } from "./start.ts"
export { makePaths, type Paths } from "../config/paths.ts"
