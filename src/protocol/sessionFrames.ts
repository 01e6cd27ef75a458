/**
 * The frames of `host.sock` as numbers. Apart from sessionHost.ts because it imports nothing: the command line carries
 * a session's bytes without loading effect.
 */

/** The longest payload of a frame, in bytes, type byte excluded. Longer frames end the connection. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024

export const FrameType = {
  /** JSON `HostRequest` from the daemon; JSON `HostReply` or `HostEvent` from the host. */
  control: 0x01,
  /** First frame of the screens process: JSON `ScreensHello` of protocol/screens.ts. `control` frames follow, both ways. */
  screens: 0x02,
  /**
   * Screens process: 4-byte id of the question, 8-byte offset, 2-byte columns, 2-byte rows, then what turns a fresh
   * terminal of that size into this screen. In several frames when it is long; the last has no bytes. An offset of
   * all ones: there is none to be had.
   */
  snapshot: 0x03,

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
  error: 0x19,
  /** Host: 8-byte offset, 2-byte columns, 2-byte rows: from that byte of output on the terminal has this size. */
  resized: 0x1a,
  /**
   * Host, mode `attach` with `screen`: 8-byte offset, 2-byte columns, 2-byte rows, then bytes that turn a fresh terminal
   * of that size into the session's, history above it. In several frames with equal heads when it is long; the last
   * has no bytes. Output goes on at that offset.
   */
  screen: 0x1b,
  /** Host, mode `attach`: JSON `LeaseFrame`: who may type and decides the size. First after `opened`, then on each change. */
  lease: 0x1c,
  /** Client, mode `attach` and not read-only: empty. It takes the input lease, whoever has it. */
  take: 0x1d,
  /**
   * Client, mode `attach` with `screen`: 4-byte number of lines of history, or empty for none. It wants a `screen` frame;
   * until then output goes on. An older host sends it without history.
   */
  refresh: 0x1e
} as const
export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/**
 * Where a piece of the log came from or went to. `input` and `output` of a pty; the others of pipes. `resize` is the
 * terminal's new size, as `80x24`, columns first.
 */
export const Direction = { output: 0, input: 1, stdin: 2, stdout: 3, stderr: 4, resize: 5 } as const
export type Direction = (typeof Direction)[keyof typeof Direction]
