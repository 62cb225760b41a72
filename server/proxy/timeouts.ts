/** Limits in milliseconds. */
export interface Timeouts {
  /** A client's request head, from its first byte (or from the connection) to its end. */
  readonly requestHead: number;
  /** Between two requests of a client. */
  readonly keepAlive: number;
  /** Dialling an upstream. */
  readonly connect: number;
  /** From the end of the request to the head of the answer. */
  readonly responseHead: number;
  /** No byte of a body in either direction. */
  readonly idleBody: number;
  /** The same once the client has closed its side: it may wait for the answer, or be gone without telling us. */
  readonly halfClosed: number;
  /** For a client to take our last answer and close. */
  readonly linger: number;
}

export const defaultTimeouts: Timeouts = {
  requestHead: 30_000,
  keepAlive: 75_000,
  connect: 5_000,
  responseHead: 60_000,
  idleBody: 300_000,
  halfClosed: 5_000,
  linger: 2_000,
};
