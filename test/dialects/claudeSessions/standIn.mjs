#!/usr/bin/env node
// Stands in for Claude Code: a full-screen program in raw mode with an editor. Enter submits what is in it, a line feed
// is a new line of it, and so is an Enter that comes with something else; a bracketed paste goes into it as it is. It shows what it got submitted as one line of JSON.
// `/exit N` ends it with N; `/fork` leaves a child behind that ignores hang-ups; `/size` tells its terminal's size, `/home` its home; after
// `/busy N` it reads nothing for N ms; `/ask` asks something, and is answered by a key.
import { spawn } from "node:child_process"

process.stdin.setRawMode(true)
process.stdin.setEncoding("utf8")
const print = (text) => process.stdout.write(`${text}\n`)
process.stdout.write("\x1b[?2004h")
print(`ready in ${process.cwd()}`)

let editor = ""
let pasting = false
let asking = false
const submit = () => {
  const text = editor
  editor = ""
  print("")
  print(`submitted ${JSON.stringify(text)}`)
  if (text.startsWith("/exit")) process.exit(Number(text.slice(5)))
  if (text === "/size") print(`size ${process.stdout.columns}x${process.stdout.rows}`)
  if (text === "/home") print(`home ${process.env.HOME}`)
  if (text.startsWith("/busy")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(text.slice(5)))
  if (text === "/ask") {
    asking = true
    process.stdout.write("\x1b]7501;state=blocked:kind=question\x1b\\")
  }
  if (text === "/fork") {
    const child = spawn("sh", ["-c", "trap '' HUP TERM; while :; do sleep 1; done"], { stdio: "ignore" })
    print(`child ${child.pid}`)
  }
}

process.stdin.on("data", (data) => {
  if (asking) {
    asking = false
    process.stdout.write("\x1b]7501;state=idle\x1b\\")
    print("")
    print(`chosen ${JSON.stringify(data)}`)
    return
  }
  // oxlint-disable-next-line no-control-regex
  for (const piece of data.split(/(\x1b\[20[01]~|\r)/)) {
    if (piece === "\x1b[200~") pasting = true
    else if (piece === "\x1b[201~") pasting = false
    else if (piece === "\r" && !pasting && data.length === 1) submit()
    else editor += piece.replaceAll("\r", "\n")
  }
  process.stdout.write(`\x1b[2K\r> ${editor.split("\n").at(-1)}`)
})
process.on("SIGTERM", () => process.exit(143))
