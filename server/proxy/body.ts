import { MalformedMessage, parseFields, type Field } from "./message-head.ts";

/** How the length of a message body is known (RFC 9112 section 6). "close": it ends with the connection. */
export type Framing = "none" | "chunked" | "close" | { readonly length: number };

/** Takes the payload of one message out of a byte stream. */
export interface BodyReader {
  readonly done: boolean;
  /** Fields after the last chunk. */
  readonly trailers: readonly Field[];
  /** Appends payload found in `chunk` to `parts`; returns how many bytes of `chunk` belong to this message. */
  read(chunk: Buffer, parts: Buffer[]): number;
}

export function bodyReader(framing: Framing): BodyReader {
  if (framing === "chunked") return new ChunkedBody();
  if (framing === "close") return new LengthBody(Infinity);
  return new LengthBody(framing === "none" ? 0 : framing.length);
}

class LengthBody implements BodyReader {
  readonly trailers: readonly Field[] = [];
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  read(chunk: Buffer, parts: Buffer[]): number {
    const count = Math.min(this.#left, chunk.length);
    if (count === 0) return 0;
    parts.push(count === chunk.length ? chunk : chunk.subarray(0, count));
    this.#left -= count;
    return count;
  }
}

// At most 14 digits: the largest exact integer in a number has 53 bits.
const sizeLine = /^([0-9A-Fa-f]{1,13})((?:;[\t\x20-\x7e\x80-\xff]*)?)$/;
const maxExtensionBytes = 4096;
const maxTrailerBytes = 8192;

/** RFC 9112 section 7.1. Extensions are read and dropped, with a limit for the whole message. */
class ChunkedBody implements BodyReader {
  done = false;
  trailers: readonly Field[] = [];
  #state: "size" | "data" | "data-end" | "trailers" = "size";
  #line = "";
  #trailerText = "";
  #left = 0;
  #extensionBytes = 0;

  read(chunk: Buffer, parts: Buffer[]): number {
    let at = 0;
    while (at < chunk.length && !this.done) {
      if (this.#state === "data") {
        const count = Math.min(this.#left, chunk.length - at);
        parts.push(chunk.subarray(at, at + count));
        at += count;
        this.#left -= count;
        if (this.#left === 0) this.#state = "data-end";
        continue;
      }
      const lineFeed = chunk.indexOf(0x0a, at);
      const end = lineFeed === -1 ? chunk.length : lineFeed + 1;
      this.#line += chunk.toString("latin1", at, end);
      at = end;
      this.#limitLine();
      if (lineFeed !== -1) this.#takeLine();
    }
    return at;
  }

  #limitLine(): void {
    const limit = { size: maxExtensionBytes, data: 0, "data-end": 2, trailers: maxTrailerBytes }[this.#state];
    if (this.#line.length > limit) throw new MalformedMessage(400, "chunk line too long");
  }

  #takeLine(): void {
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r\n")) throw new MalformedMessage(400, "chunk line ends without CR");
    if (this.#state === "size") this.#takeSize(line.slice(0, -2));
    else if (this.#state === "data-end") this.#takeDataEnd(line);
    else this.#takeTrailer(line);
  }

  #takeSize(line: string): void {
    const match = sizeLine.exec(line);
    if (match === null) throw new MalformedMessage(400, "malformed chunk size");
    this.#extensionBytes += (match[2] as string).length;
    if (this.#extensionBytes > maxExtensionBytes)
      throw new MalformedMessage(400, "chunk extensions too long");
    this.#left = Number.parseInt(match[1] as string, 16);
    this.#state = this.#left === 0 ? "trailers" : "data";
  }

  #takeDataEnd(line: string): void {
    if (line !== "\r\n") throw new MalformedMessage(400, "chunk data longer than its size");
    this.#state = "size";
  }

  #takeTrailer(line: string): void {
    if (line === "\r\n") {
      this.trailers = parseFields(this.#trailerText, 0).filter(isSafeTrailer);
      this.done = true;
      return;
    }
    this.#trailerText += line;
    if (this.#trailerText.length > maxTrailerBytes) throw new MalformedMessage(431, "trailers too long");
  }
}

/** Fields that change framing, routing or who may do what mean nothing after the body (RFC 9110 section 6.5.1). */
const forbiddenTrailers =
  /^(?:transfer-encoding|content-.*|host|connection|keep-alive|te|trailer|upgrade|expect|proxy.*|forwarded|x-forwarded-.*|x-real-ip|x-request-.*|authorization|cookie|set-cookie|cache-control|range|if-.*|max-forwards)$/;

function isSafeTrailer(field: Field): boolean {
  return !forbiddenTrailers.test(field.key.replaceAll("_", "-"));
}

/** Wraps payload as chunks, ready to be written. */
export function encodeChunks(parts: readonly Buffer[]): (Buffer | string)[] {
  return parts.flatMap((part) => [`${part.length.toString(16)}\r\n`, part, "\r\n"]);
}

/** The end of a chunked body. */
export function lastChunk(trailers: readonly Field[]): string {
  return `0\r\n${trailers.map((field) => `${field.name}: ${field.value}\r\n`).join("")}\r\n`;
}
