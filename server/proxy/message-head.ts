/** A message that breaks HTTP/1.1 (RFC 9112). `status` is the answer it deserves when a client sent it. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One header or trailer line. `key` is the name in lower case; bytes above 0x7f are kept as latin1. */
export interface Field {
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

const maxFields = 128;

// No two neighbouring parts can match the same character, so that a failing match costs linear time.
const fieldLine = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)\r\n/y;

/**
 * Parses field lines from `start` to the end of `text`, each ending with CRLF. Refuses what parsers disagree on: folded
 * lines, bare CR or LF, control characters, a space before the colon, an empty name (RFC 9112 section 5).
 */
export function parseFields(text: string, start: number): Field[] {
  const fields: Field[] = [];
  fieldLine.lastIndex = start;
  while (fieldLine.lastIndex < text.length) {
    const match = fieldLine.exec(text);
    if (match === null) throw new MalformedMessage(400, "malformed header line");
    if (fields.length === maxFields) throw new MalformedMessage(431, "too many header lines");
    const name = match[1] as string;
    fields.push({ name, key: name.toLowerCase(), value: trimWhitespace(match[2] as string) });
  }
  return fields;
}

/** Only SP and HTAB: String.trim would also remove bytes such as 0xa0. */
function trimWhitespace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isWhitespace(value.charCodeAt(start))) start += 1;
  while (end > start && isWhitespace(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The lower-case members of a comma-separated list such as Connection. */
export function listMembers(value: string): string[] {
  return value
    .toLowerCase()
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
}

const endOfHead = Buffer.from("\r\n\r\n");
const nothing = Buffer.alloc(0);

/** Collects the bytes of a message head until its empty line. */
export class HeadCollector {
  readonly #limit: number;
  #bytes: Buffer = nothing;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** True between the first byte of a head and its end. */
  get pending(): boolean {
    return this.#bytes.length > 0;
  }

  /** What has come so far of a head that is not complete. */
  get partial(): string {
    return this.#bytes.toString("latin1");
  }

  /** Returns the head without its empty line, and the bytes behind it, as soon as it is complete. */
  push(chunk: Buffer): { text: string; rest: Buffer } | undefined {
    const searched = Math.max(0, this.#bytes.length - 3);
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const end = bytes.indexOf(endOfHead, searched);
    if (end > this.#limit || (end === -1 && bytes.length > this.#limit)) {
      const status = bytes.indexOf("\r\n") === -1 ? 414 : 431;
      throw new MalformedMessage(status, "message head too large");
    }
    if (end === -1) {
      refuseBareLineFeed(bytes, searched);
      this.#bytes = bytes;
      return undefined;
    }
    this.#bytes = nothing;
    return { text: bytes.toString("latin1", 0, end + 2), rest: bytes.subarray(end + 4) };
  }
}

/** A head whose lines end in LF alone would never be complete: better refused now than at the time limit. */
function refuseBareLineFeed(bytes: Buffer, from: number): void {
  for (let at = bytes.indexOf(0x0a, from); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at - 1] !== 0x0d) throw new MalformedMessage(400, "line ends without CR");
  }
}
