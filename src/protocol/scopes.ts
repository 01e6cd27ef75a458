/** Which scope each method needs, for whoever comes with a token. Without effect. */
import type { Scope } from "./tokens.ts"

const read = [
  "daemon.ping",
  "daemon.status",
  "sessions.list",
  "sessions.show",
  "sessions.output",
  "sessions.wait",
  "sessions.events",
  "sessions.screen",
  "sessions.text",
  "sessions.search",
  "sessions.explain",
  "agents.events",
  "agents.list",
  "agents.known",
  "channels.subscribe",
  "channels.list",
  "locks.list",
  "locks.watch",
  "capture.list",
  "capture.show",
  "capture.search",
  "capture.saves",
  "capture.config",
  "dialects.list",
  "methods.list",
  "schedule.history",
  "webhooks.list",
  "webhooks.deliveries",
  "http.status",
  "upstream.list",
  "upstream.status",
  "machine.status"
] as const

const sessions = [
  "sessions.run",
  "sessions.send",
  "sessions.submit",
  "sessions.resize",
  "sessions.attach",
  // What was typed is in it too, passwords among it.
  "sessions.export",
  "sessions.kill",
  "sessions.remove",
  "sessions.rename",
  "sessions.tag",
  "agents.start",
  "agents.turn",
  "channels.publish",
  "locks.acquire",
  "locks.renew",
  "locks.release",
  "locks.resume",
  "methods.call",
  "methods.answer",
  // These two have hob connect there and log in; events may be published.
  "upstream.ping",
  "upstream.subscribe",
  "upstream.call",
  "upstream.answer"
] as const

const admin = [
  // Whose answers have variables and parameters of programs, where people put credentials.
  "daemon.config",
  "sessions.templates",
  "schedule.list",
  "daemon.stop",
  "daemon.reload",
  "daemon.upgrade",
  "sessions.sign",
  "capture.create",
  "capture.addMessage",
  "capture.addCodeChange",
  "capture.hook",
  "capture.save",
  "capture.rewrite",
  "capture.discard",
  "methods.add",
  "methods.reload",
  "methods.remove",
  "schedule.add",
  "schedule.remove",
  "schedule.run",
  "schedule.pause",
  "schedule.resume",
  "webhooks.allow",
  "webhooks.remove",
  "webhooks.show",
  "webhooks.replay",
  "webhooks.test",
  "webhooks.enable",
  "webhooks.disable",
  "http.enable",
  "http.disable",
  "http.login",
  "tokens.create",
  "tokens.list",
  "tokens.revoke",
  "dialects.enable",
  "dialects.disable",
  "upstream.add",
  "upstream.remove",
  "upstream.reconnect",
  "upstream.login",
  "machine.enable",
  "machine.disable",
  "machine.login",
  "machine.pair",
  "machine.logout"
] as const

const byMethod: ReadonlyMap<string, Scope> = new Map([
  ...read.map((method) => [method, "read"] as const),
  ...sessions.map((method) => [method, "sessions"] as const),
  ...admin.map((method) => [method, "admin"] as const)
])

/** Every method that there is. */
export const scopedMethods: ReadonlyArray<string> = [...read, ...sessions, ...admin]

/** The scope that a method needs. */
export const scopeOf = (method: string): Scope => byMethod.get(method) ?? "admin"

const rank: Readonly<Record<Scope, number>> = { read: 0, sessions: 1, admin: 2 }

/** Whether who has a scope may do what needs one. */
export const allows = (has: Scope, needs: Scope): boolean => rank[has] >= rank[needs]
