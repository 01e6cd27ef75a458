/** Clients of other protocols, and lines that are not JSON: what to tell them. */

const HTTP = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT|PRI) [^\r\n]* HTTP\/\d/

/** What a connection's first bytes say, when they are an HTTP request or a TLS hello: there is no point in reading on. */
export const foreignProtocol = (first: Buffer): string | undefined => {
  const spoken =
    first[0] === 0x16 && (first[1] ?? 0x03) === 0x03
      ? "TLS"
      : HTTP.test(first.toString("latin1", 0, 4096))
        ? "HTTP"
        : undefined
  return spoken === undefined
    ? undefined
    : `This socket speaks newline-delimited JSON-RPC 2.0, and this looks like ${spoken}: send one JSON request per line.`
}

/** Why a line is not JSON, without a word of it: it may hold a secret. */
export const jsonProblem = (error: unknown): string => {
  const at = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined
  return at === undefined
    ? "The line is not valid JSON."
    : `The line is not valid JSON (at character ${Number(at) + 1}).`
}
