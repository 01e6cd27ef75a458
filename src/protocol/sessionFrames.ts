/**
 * The frames of `host.sock` as numbers. Apart from sessionHost.ts because it imports nothing: the command line carries
 * a session's bytes without loading effect.
 */

/** The longest payload of a frame, in bytes, type byte excluded. Longer frames end the connection. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024

export const FrameType = {
  /** JSON `HostRequest` from the daemon; JSON `HostReply` or `HostEvent` from the host. */
  control: 0x01,

  /** Client: JSON `OpenFrame`. Answered by `opened` or `error`. */
  open: 0x10,
  /** Host: JSON `OpenedFrame`. */
  opened: 0x11,
  /** Host: 8-byte big-endian offset of the first byte, then output bytes. */
  output: 0x12,
  /** Host, mode `records`: 8-byte offset, 8-byte float of milliseconds since 1970, 1 byte {@link Direction}, then the bytes. */
  record: 0x13,
  /** Host: JSON `GapFrame`: bytes that are not there to send, or were skipped. */
  gap: 0x14,
  /** Host: JSON `SessionExit`: the program has ended; output may follow. */
  exited: 0x15,
  /** Host: empty. Everything asked for has been sent; the host closes the connection. */
  end: 0x16,
  /** Client, mode `attach` and not read-only: bytes to type into the session. None: the end of standard input, on pipes. */
  input: 0x17,
  /** Client, mode `attach` and not read-only: 2-byte columns, 2-byte rows. */
  resize: 0x18,
  /** Host: JSON `ErrorFrame`; the host closes the connection. */
  error: 0x19
} as const
export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/** Where a piece of the log came from or went to. `input` and `output` of a pty; the others of pipes. */
export const Direction = { output: 0, input: 1, stdin: 2, stdout: 3, stderr: 4 } as const
export type Direction = (typeof Direction)[keyof typeof Direction]
