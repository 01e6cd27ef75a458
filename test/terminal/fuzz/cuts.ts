/** What has to hold wherever a stream is cut. */
import { assert } from "vitest"
import { QueryFilter } from "../../../src/terminal/queries.ts"
import { Emulator } from "../../../src/terminal/Emulator.ts"
import type { Given, Size } from "./streams.ts"
import { Watched } from "./watched.ts"

const same = (actual: unknown, expected: unknown, what: string): void => {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) assert.deepStrictEqual(actual, expected, what)
}

/** Compares an emulator that was given all of it with one of a snapshot, one of a checkpoint, and one that was given all at once. */
export const compareAtCut = (
  size: Size,
  scrollback: number,
  before: ReadonlyArray<Given>,
  after: ReadonlyArray<Given>
): void => {
  const whole = Watched.fresh(size, scrollback).give(before)
  const { emulator, pending } = whole
  const snapshot = emulator.snapshot()
  const checkpoint = emulator.toCheckpoint()
  const copy = Watched.fresh(emulator, scrollback)
  copy.emulator.write(snapshot)
  same(copy.replies, [], "a snapshot asks nothing")
  same(copy.emulator.pendingBytes, 0, "a snapshot is complete")
  same(copy.state(), whole.state(), "a snapshot")
  same(copy.emulator.snapshot().toString("latin1"), snapshot.toString("latin1"), "a snapshot of a snapshot")
  const kept = new Watched(Emulator.fromCheckpoint(checkpoint, { scrollback })!)
  same(kept.state(), whole.state(), "a checkpoint")
  same(kept.emulator.text({ styled: true }), emulator.text({ styled: true }), "a checkpoint's text")
  same(kept.emulator.written, emulator.written - pending.length, "where a checkpoint goes on")

  whole.listen()
  copy.listen()
  whole.give(after)
  copy.give([pending, ...after])
  kept.give([pending, ...after])
  same(copy.state(), whole.state(), "a snapshot, and what follows")
  same(kept.state(), whole.state(), "a checkpoint, and what follows")
  same(kept.emulator.text({ styled: true }), emulator.text({ styled: true }), "the text after a checkpoint")
  same(kept.lines, whole.lines, "lines that leave after a checkpoint")
  same(kept.replies, whole.replies, "answers after a checkpoint")
  same(
    copy.replies.map(([data]) => data),
    whole.replies.map(([data]) => data),
    "answers after a snapshot"
  )
}

/** Bytes between two sizes in one piece. */
const merged = (items: ReadonlyArray<Given>): ReadonlyArray<Given> => {
  const all: Array<Given> = []
  let pieces: Array<Uint8Array> = []
  const finish = () => {
    if (pieces.length > 0) all.push(Buffer.concat(pieces))
    pieces = []
  }
  for (const item of items) {
    if (item instanceof Uint8Array) pieces.push(item)
    else {
      finish()
      all.push(item)
    }
  }
  finish()
  return all
}

const singly = (items: ReadonlyArray<Given>): ReadonlyArray<Given> =>
  items.flatMap((item): ReadonlyArray<Given> =>
    item instanceof Uint8Array ? Array.from(item, (byte) => Uint8Array.of(byte)) : [item]
  )

/** However it is cut when it comes, it is the same. */
export const comparePieces = (size: Size, scrollback: number, all: ReadonlyArray<Given>): void => {
  const items = merged(all)
  const whole = Watched.fresh(size, scrollback).give(items)
  const pieces = Watched.fresh(size, scrollback).give(singly(items))
  same(pieces.state(), whole.state(), "byte by byte")
  same(pieces.replies, whole.replies, "answers, byte by byte")
  same(pieces.lines, whole.lines, "lines that leave, byte by byte")
  same(pieces.emulator.pendingBytes, whole.emulator.pendingBytes, "what is unfinished, byte by byte")
}

/** Without its questions a stream does the same, and asks nothing. */
export const compareFiltered = (size: Size, scrollback: number, items: ReadonlyArray<Given>): void => {
  const asking = Watched.fresh(size, scrollback)
  const silent = Watched.fresh(size, scrollback)
  // There is nothing to be repeated after any sequence, and so after a question, that is gone now.
  for (const { emulator } of [asking, silent]) emulator.handler._parser.registerCsiHandler({ final: "b" }, () => true)
  const filter = new QueryFilter()
  const pass = (bytes: ReadonlyArray<Given>) =>
    bytes.map((item) => (item instanceof Uint8Array ? Uint8Array.from(filter.push(item)) : item))
  asking.give(items)
  silent.give(pass(items))
  same(silent.replies, [], "no question is left")
  // Nothing is left to be waited for.
  const finish = [Buffer.from("\x1b\\\x18.")]
  asking.give(finish)
  silent.give(pass(finish))
  same(silent.state(), asking.state(), "without questions")
  same(silent.lines, asking.lines, "lines that leave, without questions")
  same(silent.replies, [], "no question is left")
}

/** In pieces that cut most sequences. */
const small = (item: Given): ReadonlyArray<Given> => {
  if (!(item instanceof Uint8Array)) return [item]
  return Array.from({ length: Math.ceil(item.length / 5) }, (_, index) => item.subarray(index * 5, index * 5 + 5))
}

/**
 * One emulator is given everything as it is. Others begin at each cut with a snapshot or a checkpoint of it, are given
 * what follows in small pieces up to the next one, and are compared there.
 */
export const compareAtCuts = (size: Size, scrollback: number, pieces: ReadonlyArray<ReadonlyArray<Given>>): void => {
  const whole = Watched.fresh(size, scrollback)
  const filter = new QueryFilter()
  const silent = Watched.fresh(size, scrollback)
  for (const [index, piece] of pieces.entries()) {
    const { emulator, pending } = whole
    const copy = Watched.fresh(emulator, scrollback).give([emulator.snapshot()])
    const kept = new Watched(Emulator.fromCheckpoint(emulator.toCheckpoint(), { scrollback })!)
    same(copy.state(), whole.state(), `a snapshot at cut ${index}`)
    same(kept.state(), whole.state(), `a checkpoint at cut ${index}`)
    same(kept.emulator.text({ styled: true }), emulator.text({ styled: true }), `a checkpoint's text at cut ${index}`)
    whole.listen()
    whole.give(piece)
    for (const later of [copy, kept]) for (const item of [pending, ...piece]) later.give(small(item))
    same(copy.state(), whole.state(), `a snapshot, and what follows cut ${index}`)
    same(kept.state(), whole.state(), `a checkpoint, and what follows cut ${index}`)
    same(kept.lines, whole.lines, `lines that leave after cut ${index}`)
    same(kept.replies, whole.replies, `answers after cut ${index}`)
    for (const item of piece) silent.give([item instanceof Uint8Array ? Uint8Array.from(filter.push(item)) : item])
    same(silent.replies, [], `questions after cut ${index}`)
  }
  silent.give([filter.end()])
  same(silent.state(), whole.state(), "without questions")
}
