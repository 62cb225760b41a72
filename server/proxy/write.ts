import type { Socket } from "node:net";

const copyLimit = 16_384;

/** Writes text (latin1) and bytes with one system call: small ones copied together, large ones as a vector. */
export function writeParts(socket: Socket, parts: readonly (string | Buffer)[]): void {
  if (socket.destroyed || parts.length === 0) return;
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) {
    socket.write(first, "latin1");
    return;
  }
  const total = byteLength(parts);
  if (total <= copyLimit) {
    socket.write(concatenate(parts, total));
    return;
  }
  socket.cork();
  for (const part of parts) socket.write(part, "latin1");
  socket.uncork();
}

/** Whether such parts go out whole or not at all when the first write fails. */
export function isSmall(parts: readonly (string | Buffer)[]): boolean {
  return byteLength(parts) <= copyLimit;
}

function byteLength(parts: readonly (string | Buffer)[]): number {
  let total = 0;
  for (const part of parts) total += part.length;
  return total;
}

function concatenate(parts: readonly (string | Buffer)[], total: number): Buffer {
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const part of parts) {
    if (typeof part === "string") bytes.write(part, at, "latin1");
    else bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
