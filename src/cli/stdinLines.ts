import { isUtf8 } from "node:buffer"
import { ExitCode, Fault } from "./exit.ts"

/** The longest message that any configuration allows. */
const LONGEST_BYTES = 256 * 1024 * 1024
const NEWLINE = 0x0a

/** The lines of standard input, each without its end; null for one that is not UTF-8. A last one without an end counts. */
export async function* stdinLines(): AsyncGenerator<string | null> {
  let parts: Array<Buffer> = []
  let held = 0
  const finish = (last: Buffer): string | null => {
    const line = parts.length === 0 ? last : Buffer.concat([...parts, last])
    parts = []
    held = 0
    return isUtf8(line) ? line.toString("utf8") : null
  }
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield finish(chunk.subarray(start, end))
      start = end + 1
    }
    if (start === chunk.length) continue
    parts.push(chunk.subarray(start))
    held += chunk.length - start
    if (held > LONGEST_BYTES) throw new Fault(ExitCode.failure, `A line is longer than ${LONGEST_BYTES} bytes.`)
  }
  if (held > 0) yield finish(Buffer.alloc(0))
}
