import type { FileHandle } from "node:fs/promises";
import type { LogLine } from "../model/log-line.ts";

const chunkBytes = 64 * 1024;
/** Much longer than the longest line. */
const pieceBytes = 1024 * 1024;

/** Reads "<time> <o|e> <text>", as the monitor writes it; null for anything else. */
export function parseLogLine(process: string, line: string): LogLine | null {
  const match = /^(\S+) ([oe]) (.*)$/s.exec(line);
  if (match === null) return null;
  const [, at = "", stream, text = ""] = match;
  return {
    at,
    process,
    stream: stream === "o" ? "stdout" : "stderr",
    text: text.endsWith("\r") ? text.slice(0, -1) : text,
  };
}

/** Some complete lines of a file from `position`, none at its end, and the position behind the last of them. */
export async function readLinesFrom(
  file: FileHandle,
  position: number,
): Promise<{ lines: string[]; position: number }> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, position);
  const data = buffer.subarray(0, bytesRead);
  const complete = data.subarray(0, data.lastIndexOf("\n") + 1);
  return { lines: splitLines(complete), position: position + complete.length };
}

/** The last `count` complete lines of a file before `end`, read backwards. */
export async function lastLines(file: FileHandle, end: number, count: number): Promise<string[]> {
  if (count === 0) return [];
  let start = end;
  let data: Buffer = Buffer.alloc(0);
  let breaks = 0;
  while (start > 0 && breaks <= count) {
    const length = Math.min(chunkBytes, start);
    start -= length;
    const { buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, start);
    breaks += buffer.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0);
    data = Buffer.concat([buffer, data]);
  }
  return splitLines(data.subarray(0, data.lastIndexOf("\n") + 1)).slice(-count);
}

function splitLines(complete: Buffer): string[] {
  return complete.length === 0 ? [] : complete.toString("utf8").slice(0, -1).split("\n");
}
