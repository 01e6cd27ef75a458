import { closeSync, openSync, writeSync } from "node:fs"

/** A kind of terminal output, repeated until it is as long as asked for. */
const makers = {
  /** Lines of 79 letters. */
  ascii: () =>
    Array.from({ length: 1_000 }, (_, line) => `${line} `.padEnd(79, "the quick brown fox ") + "\n").join(""),

  /** What a full-screen program draws: a frame of 24 coloured rows at 80 columns, most of them changing, a spinner. */
  tui: () => {
    const frame = (number: number) => {
      const rows = Array.from({ length: 22 }, (_, row) => {
        const bar = "█".repeat((number + row * 3) % 30).padEnd(30, "░")
        return `\u001b[${row + 2};1H\u001b[38;5;${(number + row) % 256}m${bar}\u001b[0m \u001b[1mjob ${row}\u001b[22m ${(number * 7 + row) % 100}%\u001b[K`
      })
      const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[number % 10]!
      return `\u001b[?25l\u001b[H\u001b[7m ${spinner} frame ${number} \u001b[27m\u001b[K${rows.join("")}\u001b[24;1H\u001b[48;2;30;30;${number % 256}m status \u001b[49m\u001b[?25h`
    }
    return Array.from({ length: 400 }, (_, number) => frame(number)).join("")
  },

  /** Lines of Chinese, Japanese, Korean and emoji, 40 wide characters each. */
  utf8: () => {
    const text = [..."春眠不覚暁処処聞啼鳥夜来風雨声花落知多少안녕하세요세계😀🚀👍🏽👩‍💻🎉"]
    return Array.from(
      { length: 500 },
      (_, line) => Array.from({ length: 39 }, (_, at) => text[(line * 7 + at) % text.length]!).join("") + "\n"
    ).join("")
  }
}

export type StreamName = keyof typeof makers

/** Writes so many megabytes of a stream to a file; gives the bytes it has. */
export const writeStream = (name: StreamName, file: string, megabytes: number): number => {
  const piece = Buffer.from(makers[name]())
  const fd = openSync(file, "w")
  let bytes = 0
  for (; bytes < megabytes * 1e6; bytes += piece.length) writeSync(fd, piece)
  closeSync(fd)
  return bytes
}
