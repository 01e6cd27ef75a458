import { Cause, Logger, type LogLevel, References } from "effect"
import { Layer } from "effect"

/** Where lines go: the rotating file, or standard error with `--foreground`. */
export interface LineSink {
  readonly append: (line: string) => void
}

const levels: Record<"debug" | "info" | "warn" | "error", LogLevel.LogLevel> = {
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error"
}

/** One line per message: time, level, who, what; a cause follows indented. */
const formatLine = (options: Logger.Options<unknown>): string => {
  const annotations = options.fiber.getRef(References.CurrentLogAnnotations)
  const who = Object.entries(annotations)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(" ")
  const messages = Array.isArray(options.message) ? options.message : [options.message]
  const text = messages.map((part) => (Cause.isCause(part) ? Cause.pretty(part) : String(part))).join(" ")
  const cause = options.cause.reasons.length === 0 ? "" : `\n${Cause.pretty(options.cause)}`
  const body = `${text}${cause}`.trimEnd().replaceAll("\n", "\n    ")
  return `${options.date.toISOString()} ${options.logLevel.toUpperCase()} ${who === "" ? "" : `[${who}] `}${body}\n`
}

/** Logs lines to `sink` from `level` upwards, and nowhere else. */
export const layer = (sink: LineSink, level: keyof typeof levels) =>
  Layer.mergeAll(
    Logger.layer([Logger.make((options) => sink.append(formatLine(options)))]),
    Layer.succeed(References.MinimumLogLevel, levels[level])
  )
