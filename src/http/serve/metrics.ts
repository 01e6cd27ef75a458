/** What Prometheus reads: the text format 0.0.4. Pure. */
import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { Counters } from "../Http.ts"

interface Metric {
  readonly name: string
  readonly type: "counter" | "gauge"
  readonly help: string
  readonly values: ReadonlyArray<readonly [value: number, labels?: Readonly<Record<string, string>>]>
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")

const labelled = (labels: Readonly<Record<string, string>> = {}): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const textOf = ({ help, name, type, values }: Metric): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...values.map(([value, labels]) => `${name}${labelled(labels)} ${value}`)
  ].join("\n")

export interface Measured {
  readonly status: DaemonStatus
  readonly counters: Counters
  readonly process: {
    readonly cpuSeconds: number
    readonly residentBytes: number
    readonly uptimeSeconds: number
  }
}

export const metricsText = ({ counters, process, status }: Measured): string => {
  const one = (type: Metric["type"], name: string, help: string, value: number): Metric => ({
    name: `hob_${name}`,
    type,
    help,
    values: [[value]]
  })
  const metrics: ReadonlyArray<Metric> = [
    {
      name: "hob_info",
      type: "gauge",
      help: "The daemon's version.",
      values: [[1, { version: status.version, node: status.node }]]
    },
    one("gauge", "uptime_seconds", "Since the daemon's start.", process.uptimeSeconds),
    one("counter", "cpu_seconds_total", "Processor time of the daemon.", process.cpuSeconds),
    one("gauge", "resident_memory_bytes", "Memory of the daemon.", process.residentBytes),
    one("gauge", "connections", "Clients that are connected, through whatever door.", status.connections),
    one("gauge", "sessions_running", "Sessions that have not ended.", status.sessions.running),
    one("gauge", "sessions_kept", "Sessions that are known, the ended ones too.", status.sessions.total),
    one("gauge", "session_host_up", "Whether the session-host is reached.", status.sessionHost === null ? 0 : 1),
    one("gauge", "web_sockets", "Clients on WebSockets.", counters.webSockets),
    one("gauge", "event_streams", "Readers of server-sent events and of output.", counters.eventStreams),
    {
      name: "hob_concern_up",
      type: "gauge",
      help: "Whether a part of the daemon is up.",
      values: status.concerns.map(({ name, state }) => [state === "up" ? 1 : 0, { concern: name }])
    },
    {
      name: "hob_concern_restarts_total",
      type: "counter",
      help: "How often a part of the daemon has failed and was started anew.",
      values: status.concerns.map(({ name, restarts }) => [restarts, { concern: name }])
    },
    {
      name: "hob_http_answers_total",
      type: "counter",
      help: "Answers over HTTP, by status.",
      values: [...counters.answers].sort(([a], [b]) => a - b).map(([code, count]) => [count, { code: String(code) }])
    }
  ]
  return `${metrics.map(textOf).join("\n")}\n`
}
