/**
 * For tests of programs that embed hob: a session-host in this process, real but for its programs, which do what the
 * test says when the test says it. Start it before the daemon, on the same paths; the daemon finds it listening.
 */
export { type Programs, runHost, type RunHostOptions, type RunningHost } from "./sessionhost/runHost.ts"
export { type ScriptedProgram, scriptedPrograms } from "./sessionhost/scriptedProgram.ts"
export { noLimits } from "./sessionhost/Limits.ts"
