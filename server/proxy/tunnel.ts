import type { Socket } from "node:net";

/** After one side has said its last word, silence of this length ends a tunnel. */
const lingerMs = 60_000;

/**
 * Copies bytes both ways between two sockets, with backpressure and half-close, until both are closed. A reset of one
 * side becomes a reset of the other. Calls `onClosed` once.
 */
export function tunnel(a: Socket, b: Socket, onClosed: () => void): void {
  let open = 2;
  const join = (from: Socket, to: Socket) => {
    from.setKeepAlive(true, 60_000);
    from.pipe(to);
    from.once("end", () => from.setTimeout(lingerMs));
    from.once("timeout", () => from.destroy());
    from.once("error", () => to.resetAndDestroy());
    from.once("close", () => {
      if (to.readableEnded) to.end();
      else to.destroy();
      open -= 1;
      if (open === 0) onClosed();
    });
  };
  join(a, b);
  join(b, a);
}
