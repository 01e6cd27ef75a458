import { compileManifest, type Agent } from "../rules.ts"
import type { Manifest } from "../manifest.ts"
import { claude } from "./claude.ts"
import { codex } from "./codex.ts"
import { gemini } from "./gemini.ts"
import { programs } from "./programs.ts"

/** What hob knows of by itself. To add an agent: a file beside these, a line here, a recording in test/corpus/agents. */
export const builtInManifests: ReadonlyArray<Manifest> = [claude, codex, gemini, ...programs]

/** The same, compiled. */
export const builtInAgents: ReadonlyArray<Agent> = builtInManifests.map(compileManifest)
