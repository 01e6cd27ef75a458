/** What the remote server sends on the line. What is none of this is passed over. Pure. */
import { Schema } from "effect"

const Registered = Schema.Struct({ method: Schema.String })
const Request = Schema.Struct({ method: Schema.String, params: Schema.Unknown })
const Complaint = Schema.Struct({ message: Schema.String })
const Value = Schema.NullOr(Schema.Struct({ value: Schema.NullOr(Schema.String), version: Schema.Int }))
/** The server's own documents call the machine's id `id`. */
const Update = Schema.Struct({
  body: Schema.Struct({
    t: Schema.Literal("update-machine"),
    machineId: Schema.optionalKey(Schema.String),
    id: Schema.optionalKey(Schema.String),
    metadata: Schema.optionalKey(Value),
    daemonState: Schema.optionalKey(Value)
  })
})
const isRegistered = Schema.is(Registered)
const isRequest = Schema.is(Request)
const isComplaint = Schema.is(Complaint)
const isUpdate = Schema.is(Update)

/** What somebody has written of this machine. */
export interface Written {
  readonly version: number
  readonly value: string | null
}

export interface CallMessage {
  readonly type: "call"
  /** Without the machine's id in front. */
  readonly name: string
  readonly params: unknown
  readonly ack: (answer: unknown) => void
}

export interface UpdateMessage {
  readonly type: "update"
  readonly metadata: Written | null
  readonly daemonState: Written | null
}

export type ServerMessage =
  | CallMessage
  | UpdateMessage
  /** Devices' calls of this method come here from now on. */
  | { readonly type: "registered"; readonly method: string }
  /** A server of 2025 hangs up behind it. */
  | { readonly type: "complaint"; readonly reason: string }

export const readServerMessage = (
  machineId: string,
  event: string,
  sent: unknown,
  ack: ((answer: unknown) => void) | undefined
): ServerMessage | null => {
  switch (event) {
    case "rpc-registered":
      return isRegistered(sent) ? { type: "registered", method: sent.method } : null
    case "rpc-request": {
      if (!isRequest(sent) || ack === undefined) return null
      const prefix = `${machineId}:`
      const name = sent.method.startsWith(prefix) ? sent.method.slice(prefix.length) : sent.method
      return { type: "call", name, params: sent.params, ack }
    }
    case "update": {
      if (!isUpdate(sent)) return null
      const { daemonState = null, id, machineId: its, metadata = null } = sent.body
      return (its ?? id) === machineId ? { type: "update", metadata, daemonState } : null
    }
    case "error":
      return { type: "complaint", reason: isComplaint(sent) ? sent.message : "it does not say why" }
  }
  return null
}
