import type { Effect, Scope, Stream } from "effect"
import type { Socket } from "node:net"
import type { DialectName } from "../protocol/dialectStatus.ts"
import type { Refusal } from "./claim.ts"

export type Environment = Readonly<Record<string, string | undefined>>

/** A foreign protocol: where its clients look, and how they are answered. */
export interface Dialect {
  readonly name: DialectName
  /** Its arguments: they tell one from others of its kind, or what it is to do. */
  readonly args: {
    /** In words: follows "takes". */
    readonly expected: string
    readonly accepts: (args: ReadonlyArray<string>) => boolean
  }
  /**
   * For those whose clients look for one daemon for each of several things: enabled without arguments it is all of them,
   * each on its own socket, and follows them as they come and go.
   */
  readonly instances?: Instances
  /** Where its clients look for it, in an environment like theirs: a socket, or the file that says where it is. Enabled anew at the same path, it takes the former one's place. */
  readonly socket: (args: ReadonlyArray<string>, env: Environment) => string
  /** It has no Unix socket: what it opens listens where it likes, and says so where its clients look. */
  readonly listensItself?: true
  /** For dialects whose clients insist on a pid file: where they look for it. See pidFile.ts. */
  readonly pidFile?: (args: ReadonlyArray<string>, env: Environment) => string
  /** Begins to speak it: called when the socket's path has been found free, before it is listened on. Ends behind the last client. */
  readonly open: (context: DialectContext) => Effect.Effect<OpenDialect, never, Scope.Scope>
}

export interface Instances {
  /** The arguments of each, with which it is opened. Of two with one socket the first is spoken. */
  readonly now: Effect.Effect<ReadonlyArray<ReadonlyArray<string>>>
  /** Something whenever they may have changed. */
  readonly changes: Stream.Stream<unknown>
}

export interface DialectContext {
  readonly args: ReadonlyArray<string>
  readonly env: Environment
  /** A client has shut it down, for `reason`: once those who are being answered have their answers, it is closed. */
  readonly shutDown: (reason: string) => Effect.Effect<void>
}

/** Where a dialect is heard that listens by itself. */
export interface Heard {
  /** Waits until its process has been ended by a client, and gives how: to them that means that it is to stop. */
  readonly ended: Effect.Effect<string>
  /** Waits until it can't be found any more where its clients look, and gives why: it is to begin anew. */
  readonly gone: Effect.Effect<string>
}

export interface OpenDialect {
  /** For a dialect that has no Unix socket: listens as long as the scope. Then none of the following is asked. */
  readonly listen?: Effect.Effect<Heard, Refusal, Scope.Scope>
  /** Answers one client, to its end. The socket is closed behind it. Not ended when the client leaves. */
  readonly serve: (socket: Socket) => Effect.Effect<void>
  /** Tells one that is beyond the limit of clients. The socket is closed behind it; at once where this is missing. */
  readonly turnAway?: (socket: Socket) => Effect.Effect<void>
  /** Clients at once, where it is not the usual number. */
  readonly maxClients?: number
  /** It is being closed: nobody is connected any more from now on, and those who are being answered are waited for. Ends those who only wait for what comes. */
  readonly closing?: Effect.Effect<void>
  /** What its program would save when it is asked to end. Called before its socket is closed because of that. */
  readonly save?: Effect.Effect<void>
}
