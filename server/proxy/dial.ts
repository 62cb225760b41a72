import type { Socket } from "node:net";
import type { Upstream } from "../model/route.ts";

/**
 * Opens a TCP connection to an upstream. The socket may still be connecting; it must allow half-open connections.
 * Fails with the error of connect(2), such as ECONNREFUSED.
 */
export type Dial = (upstream: Upstream) => Promise<Socket> | Socket;

/** Dials and waits for the connection, at most `timeoutMs`. */
export async function connect(dial: Dial, upstream: Upstream, timeoutMs: number): Promise<Socket> {
  const socket = await dial(upstream);
  // Whoever uses the connection learns of an error by its "close"; without a listener it would end the process.
  socket.on("error", () => {});
  if (!socket.connecting) return socket;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error("connecting took too long")), timeoutMs);
    const onError = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once("error", onError);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", onError);
      resolve(socket);
    });
  });
}
