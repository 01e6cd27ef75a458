/** The client library: hob's methods, typed, as Effects or as Promises. */
export { connect, type ConnectOptions, HobClient, type PromiseClient } from "./HobClient.ts"
export { type Lost, type Regained, subscribe, type SubscribeOptions, type SubscriptionItem } from "./subscribe.ts"
export { listJobs, type PhotonJob, type PhotonScheduled, scheduleJob, unscheduleJob } from "./photonJobs.ts"
export { acquireLock, listLocks, type PhotonLock, publishToChannel, releaseLock, subscribeChannel } from "./photon.ts"
export { type SubscribeFailure, subscribeStream } from "./subscribeStream.ts"
export { CallError } from "./wire/bare.ts"
export { ensureDaemon, type EnsureOptions, findDaemon, NotRunning, StartFailed } from "./start.ts"
export { makePaths, type Paths } from "../config/paths.ts"
