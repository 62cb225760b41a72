import type { Framing } from "./body.ts";
import { listMembers, MalformedMessage, parseFields, type Field } from "./message-head.ts";
import type { ClientRequest } from "./request.ts";

/** An app's answer, checked. */
export interface UpstreamResponse {
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly Field[];
  readonly framing: Framing;
  /** Content-Length as sent: in answers to HEAD and in 304 it stands without a body. */
  readonly length: number | undefined;
  readonly connection: readonly string[];
  readonly upgrade: string | undefined;
  /** Whether the app lets the connection be used again. */
  readonly keepAlive: boolean;
  /** Seconds of `Keep-Alive: timeout=`, where given. */
  readonly keepAliveSeconds: number | undefined;
}

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;

/** Parses a response head (without its empty line). Throws MalformedMessage when it can be read in two ways. */
export function parseResponse(text: string, requestMethod: string): UpstreamResponse {
  const match = statusLine.exec(text);
  if (match === null) throw new MalformedMessage(502, "malformed status line");
  const status = Number(match[2]);
  const fields = parseFields(text, match[0].length);
  const seen = collect(fields);
  const connection = listMembers(seen.connection);
  const bodyless = requestMethod === "HEAD" || status < 200 || status === 204 || status === 304;
  const keepAliveSeconds = /timeout=(\d{1,5})/i.exec(seen.keepAlive)?.[1];
  return {
    status,
    reason: match[3] ?? "",
    fields,
    framing: bodyless ? "none" : responseFraming(seen, match[1] === "1"),
    length: seen.length,
    connection,
    upgrade: seen.upgrade,
    // Both framings at once: the chunks win, but the rest of that connection is not to be trusted (RFC 9112 section 6.1).
    keepAlive:
      match[1] === "1" &&
      !connection.includes("close") &&
      (seen.coding === undefined || seen.length === undefined),
    keepAliveSeconds: keepAliveSeconds === undefined ? undefined : Number(keepAliveSeconds),
  };
}

/** Whether the bytes so far of an incomplete head can still become one. */
export function checkPartialResponse(text: string): void {
  const expected = "HTTP/1.";
  if (!text.startsWith(expected.slice(0, text.length))) throw new MalformedMessage(502, "not HTTP/1");
}

interface Seen {
  length: number | undefined;
  coding: string | undefined;
  connection: string;
  keepAlive: string;
  upgrade: string | undefined;
}

function collect(fields: readonly Field[]): Seen {
  const seen: Seen = {
    length: undefined,
    coding: undefined,
    connection: "",
    keepAlive: "",
    upgrade: undefined,
  };
  for (const { key, value } of fields) {
    if (key === "content-length") seen.length = contentLength(value, seen.length);
    else if (key === "transfer-encoding") {
      if (seen.coding !== undefined) throw new MalformedMessage(502, "repeated Transfer-Encoding");
      seen.coding = value;
    } else if (key === "connection") seen.connection += `,${value}`;
    else if (key === "keep-alive") seen.keepAlive = value;
    else if (key === "upgrade") seen.upgrade = value;
  }
  return seen;
}

function contentLength(value: string, earlier: number | undefined): number {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  if (length === undefined || (earlier !== undefined && earlier !== length)) {
    throw new MalformedMessage(502, "malformed Content-Length");
  }
  return length;
}

function responseFraming(seen: Seen, http11: boolean): Framing {
  if (seen.coding !== undefined) {
    if (http11 && seen.coding.toLowerCase() === "chunked") return "chunked";
    throw new MalformedMessage(502, "unsupported Transfer-Encoding");
  }
  return seen.length === undefined ? "close" : { length: seen.length };
}

const hopByHop = new Set(
  (
    "connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade content-length " +
    "alt-svc x-request-id"
  ).split(" "),
);

/**
 * The head to send to the client. `framing` is how the body goes to the client; `keepAlive` whether the connection
 * stays open after it.
 */
export function clientResponseHead(
  response: UpstreamResponse,
  request: ClientRequest,
  framing: Framing,
  keepAlive: boolean,
): string {
  let head = `HTTP/1.1 ${response.status} ${response.reason}\r\n`;
  for (const field of response.fields) {
    if (hopByHop.has(field.key) || response.connection.includes(field.key)) continue;
    head += `${field.name}: ${field.value}\r\n`;
  }
  if (response.status < 200) {
    if (response.status === 101) head += `Connection: Upgrade\r\nUpgrade: ${response.upgrade}\r\n`;
    return `${head}\r\n`;
  }
  if (framing === "chunked") head += "Transfer-Encoding: chunked\r\n";
  else if (response.length !== undefined && response.status !== 204 && framing !== "close") {
    head += `Content-Length: ${response.length}\r\n`;
  }
  if (!keepAlive) head += "Connection: close\r\n";
  else if (request.minor === 0) head += "Connection: keep-alive\r\n";
  return `${head}X-Request-Id: ${request.id}\r\n\r\n`;
}
