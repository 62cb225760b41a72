import type { Readable } from "node:stream";
import { UserError } from "../model/error.ts";

/** Reads all of a client's standard input. Throws a UserError when it is longer than `limit` bytes. */
export async function readText(stdin: Readable, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunksOf(stdin)) {
    length += chunk.length;
    if (length > limit) throw new UserError(`Standard input is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Reads up to the first line break (or the end) without it; "" when there is nothing. */
export async function readLine(stdin: Readable, limit = 4096): Promise<string> {
  let text = "";
  for await (const chunk of chunksOf(stdin)) {
    text += chunk.toString("utf8");
    if (text.includes("\n") || text.length > limit) break;
  }
  return (text.split("\n")[0] ?? "").replace(/\r$/, "");
}

/** Leaves the stream open behind the loop: it may be one half of an SSH channel. */
function chunksOf(stdin: Readable): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => stdin.iterator({ destroyOnReturn: false }) };
}
