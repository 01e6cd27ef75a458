/**
 * The stand-in as a process of its own: `node main.ts '{"tls":["127.0.0.1"]}'`. Says where it is in one line of JSON, tells
 * its counts in one line for each line it reads, and ends with its input.
 */
import { createInterface } from "node:readline"
import { type StartOptions, startMiddleware } from "./start.ts"

const { ca, middleware, port, stop, tlsUri, unixUri, uri } = await startMiddleware(
  JSON.parse(process.argv[2] ?? "{}") as StartOptions
)
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)
say({ port, uri, unixUri, tlsUri, ca })
for await (const _ of createInterface({ input: process.stdin })) {
  say({ ...middleware.counts, methods: Object.fromEntries(middleware.counts.methods) })
}
await stop()
