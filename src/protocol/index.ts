/**
 * The contents page of the wire: every method hob answers, by concern. Schemas only; imports effect and nothing else.
 *
 * Transport: JSON-RPC 2.0, one message per line, over the Unix socket `hob.sock`.
 */
import { AgentsRpcs } from "./agents.ts"
import { CaptureRpcs } from "./capture.ts"
import { ChannelsRpcs } from "./channels.ts"
import { DaemonRpcs } from "./daemon.ts"
import { DialectsRpcs } from "./dialects.ts"
import { HttpRpcs } from "./http.ts"
import { LocksRpcs } from "./locks.ts"
import { MachineRpcs } from "./machine.ts"
import { MethodsRpcs } from "./methods.ts"
import { ScheduleRpcs } from "./schedule.ts"
import { SessionScreensRpcs } from "./sessionScreens.ts"
import { SessionsRpcs } from "./sessions.ts"
import { TagsRpcs } from "./tags.ts"
import { TemplatesRpcs } from "./templates.ts"
import { UpstreamRpcs } from "./upstream.ts"
import { WebhooksRpcs } from "./webhooks.ts"

export * from "./activity.ts"
export * from "./agents.ts"
export * from "./capture.ts"
export * from "./captureEntries.ts"
export * from "./captureHooks.ts"
export * from "./captureSaves.ts"
export * from "./channelNames.ts"
export * from "./channels.ts"
export * from "./daemon.ts"
export * from "./dialects.ts"
export * from "./dialectStatus.ts"
export * from "./endless.ts"
export * from "./errors.ts"
export * from "./http.ts"
export * from "./ids.ts"
export * from "./immediate.ts"
export * from "./limits.ts"
export * from "./namespaces.ts"
export * from "./locks.ts"
export * from "./machine.ts"
export * from "./methodErrors.ts"
export * from "./methodNames.ts"
export * from "./methods.ts"
export * from "./restart.ts"
export * from "./schedule.ts"
export * from "./scopes.ts"
export * as screens from "./screens.ts"
export * as sessionHost from "./sessionHost.ts"
export * from "./sessionScreens.ts"
export * from "./sessions.ts"
export * from "./storage.ts"
export * from "./templates.ts"
export * from "./upgrade.ts"
export * from "./upstream.ts"
export * from "./webhooks.ts"

/** All of hob's methods. A new concern adds its group here. */
export const HobRpcs = DaemonRpcs.merge(
  SessionsRpcs,
  SessionScreensRpcs,
  TagsRpcs,
  TemplatesRpcs,
  AgentsRpcs,
  ChannelsRpcs,
  LocksRpcs,
  CaptureRpcs,
  MethodsRpcs,
  ScheduleRpcs,
  WebhooksRpcs,
  UpstreamRpcs,
  MachineRpcs,
  HttpRpcs,
  DialectsRpcs
)
export type HobRpcs = typeof HobRpcs
