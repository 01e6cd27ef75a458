import { Cause, Layer, Logger, LogLevel, References } from "effect"

/** Where lines go: the rotating file, or standard error with `--foreground`. */
export interface LineSink {
  readonly append: (line: string) => void
}

export type Level = "debug" | "info" | "warn" | "error"

const levels: Record<Level, LogLevel.LogLevel> = {
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

/** Logs lines to `sink` from the level that `level` gives upwards, asked for each, and nowhere else. */
export const layer = (sink: LineSink, level: () => Level) =>
  Layer.mergeAll(
    Logger.layer([
      Logger.make((options) => {
        if (LogLevel.isGreaterThanOrEqualTo(options.logLevel, levels[level()])) sink.append(formatLine(options))
      })
    ]),
    Layer.succeed(References.MinimumLogLevel, "All")
  )
