/** Modules in the store, and their processes, so that none outlives its daemon for long. */
import { Option, Schema } from "effect"
import type { ProcessIdentity } from "../config/processIdentity.ts"
import { ModuleFile, MethodDeclaration, type ModuleInfo } from "../protocol/methods.ts"
import { Namespace } from "../protocol/namespaces.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"
import type { Remembered } from "./ModuleState.ts"

const Stored = Schema.Struct({
  namespace: Namespace,
  file: ModuleFile,
  added_at: Schema.String,
  kind: Schema.Literals(["class", "functions"] satisfies ReadonlyArray<ModuleInfo["kind"]>),
  methods: Schema.fromJsonString(Schema.Array(MethodDeclaration)),
  files: Schema.fromJsonString(Schema.Array(Schema.String)),
  fingerprint: Schema.fromJsonString(Schema.Array(Schema.String))
})
const decode = Schema.decodeUnknownOption(Stored)

const rememberedOf = ({ added_at: addedAt, files, fingerprint, ...rest }: typeof Stored.Type): Remembered => ({
  ...rest,
  addedAt,
  files: new Map(files.map((file, index) => [file, fingerprint[index] ?? ""]))
})

/** Every module, in the order of adding. */
export const load = (sql: Reads): ReadonlyArray<Remembered> =>
  sql
    .all("SELECT namespace, file, added_at, kind, methods, files, fingerprint FROM modules ORDER BY added_at, rowid")
    .flatMap((row) => Option.toArray(Option.map(decode(row), rememberedOf)))

export const save = (sql: Sql, module: Remembered): void => {
  sql.run(
    "INSERT INTO modules (namespace, file, added_at, kind, methods, files, fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET kind = excluded.kind, methods = excluded.methods, files = excluded.files, fingerprint = excluded.fingerprint",
    module.namespace,
    module.file,
    module.addedAt,
    module.kind,
    JSON.stringify(module.methods),
    JSON.stringify([...module.files.keys()]),
    JSON.stringify([...module.files.values()])
  )
}

export const remove = (sql: Sql, { file, namespace }: Pick<Remembered, "namespace" | "file">): void => {
  sql.run("DELETE FROM modules WHERE namespace = ? AND file = ?", namespace, file)
}

const Process = Schema.Struct({ pid: Schema.Int, start_time: Schema.String, boot_id: Schema.String })
const decodeProcess = Schema.decodeUnknownOption(Process)

export const processes = (sql: Reads): ReadonlyArray<ProcessIdentity> =>
  sql
    .all("SELECT pid, start_time, boot_id FROM module_processes")
    .flatMap((row) => Option.toArray(decodeProcess(row)))
    .map(({ boot_id: bootId, pid, start_time: startTime }) => ({ pid, startTime, bootId }))

export const saveProcess = (sql: Sql, { bootId, pid, startTime }: ProcessIdentity): void => {
  sql.run("INSERT OR REPLACE INTO module_processes (pid, start_time, boot_id) VALUES (?, ?, ?)", pid, startTime, bootId)
}

export const removeProcess = (sql: Sql, pid: number): void => {
  sql.run("DELETE FROM module_processes WHERE pid = ?", pid)
}
