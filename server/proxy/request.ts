import { randomUUID } from "node:crypto";
import type { Framing } from "./body.ts";
import { listMembers, MalformedMessage, parseFields, type Field } from "./message-head.ts";

/** What a client asked for, checked: nothing in it can be read in two ways. */
export interface ClientRequest {
  readonly method: string;
  /** Path and query exactly as sent, or "*". */
  readonly target: string;
  /** HTTP/1.x of the client. */
  readonly minor: 0 | 1;
  /** Lower-case host name without port and trailing dot; empty when an HTTP/1.0 client named none. */
  readonly host: string;
  /** The Host field as sent. */
  readonly authority: string;
  readonly fields: readonly Field[];
  readonly framing: Framing;
  /** Whether the client wants to use the connection again. */
  readonly keepAlive: boolean;
  /** Lower-case members of Connection. */
  readonly connection: readonly string[];
  /** Protocol to switch to, when it may be forwarded. */
  readonly upgrade: string | undefined;
  readonly accept: string;
  /** The client's X-Request-Id where harmless, otherwise a new one. */
  readonly id: string;
}

const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)\r\n/;
const maxTarget = 16_384;
const hostAndPort = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const harmlessId = /^[A-Za-z0-9._-]{1,128}$/;

/** Parses a request head (without its empty line). Throws MalformedMessage with the status to answer. */
export function parseRequest(text: string): ClientRequest {
  const [, method, rawTarget, minor] = parseRequestLine(text);
  const fields = parseFields(text, text.indexOf("\r\n") + 2);
  const host = single(fields, "host");
  const { target, authority } = originForm(method, rawTarget, host?.value);
  if (host === undefined && minor === 1) throw new MalformedMessage(400, "Host is missing");
  const framing = requestFraming(fields, minor);
  const connection = listMembers(joined(fields, "connection"));
  refuseUnknownExpectation(fields);
  const id = single(fields, "x-request-id", "first")?.value ?? "";
  return {
    method,
    target,
    minor,
    host: authority === "" ? "" : hostName(authority),
    authority,
    fields,
    framing,
    keepAlive: minor === 1 ? !connection.includes("close") : connection.includes("keep-alive"),
    connection,
    upgrade: requestedUpgrade(method, minor, connection, framing, fields),
    accept: joined(fields, "accept"),
    id: harmlessId.test(id) ? id : randomUUID(),
  };
}

/** Looks at the start of a head that is still incomplete: TLS, HTTP/0.9 and garbage are refused at once. */
export function checkPartialRequest(text: string): void {
  if (text.includes("\r\n")) parseRequestLine(text);
  else if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(text) && text !== "\r")
    throw new MalformedMessage(400, "not HTTP");
}

function parseRequestLine(text: string): [line: string, method: string, target: string, minor: 0 | 1] {
  const match = requestLine.exec(text);
  if (match === null) throw new MalformedMessage(400, "malformed request line");
  const [line, method, target, major, minor] = match as unknown as [string, string, string, string, string];
  if (major !== "1" || (minor !== "0" && minor !== "1")) {
    throw new MalformedMessage(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  if (target.length > maxTarget) throw new MalformedMessage(414, "request target too long");
  return [line, method, target, minor === "1" ? 1 : 0];
}

/** RFC 9112 section 3.2: turns absolute-form into origin-form; the authority must be what Host says. */
function originForm(
  method: string,
  target: string,
  host: string | undefined,
): { target: string; authority: string } {
  if (method === "CONNECT") throw new MalformedMessage(501, "CONNECT is not supported");
  if (target.includes("#")) throw new MalformedMessage(400, "fragment in request target");
  if (target.startsWith("/")) return { target, authority: host ?? "" };
  if (target === "*" && method === "OPTIONS") return { target, authority: host ?? "" };
  const absolute = /^http:\/\/([^/?]+)(.*)$/i.exec(target);
  if (absolute === null) throw new MalformedMessage(400, "malformed request target");
  const [, authority, rest] = absolute as unknown as [string, string, string];
  if (host !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
    throw new MalformedMessage(400, "Host differs from the request target");
  }
  return { target: rest.startsWith("/") ? rest : `/${rest}`, authority };
}

function hostName(authority: string): string {
  const match = hostAndPort.exec(authority);
  if (match === null) throw new MalformedMessage(400, "malformed Host");
  const name = (match[1] as string).toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** RFC 9112 section 6, without its leniences: those are how requests get smuggled. */
function requestFraming(fields: readonly Field[], minor: 0 | 1): Framing {
  const length = single(fields, "content-length");
  const coding = single(fields, "transfer-encoding");
  if (coding !== undefined) {
    if (length !== undefined) throw new MalformedMessage(400, "Content-Length and Transfer-Encoding");
    if (minor === 0) throw new MalformedMessage(400, "Transfer-Encoding in HTTP/1.0");
    if (coding.value.toLowerCase() === "chunked") return "chunked";
    const known = /^(?:gzip|deflate|compress|x-gzip)\s*,\s*chunked$/i.test(coding.value);
    throw new MalformedMessage(known ? 501 : 400, "unsupported Transfer-Encoding");
  }
  if (length === undefined) return "none";
  if (!/^\d{1,15}$/.test(length.value)) throw new MalformedMessage(400, "malformed Content-Length");
  return { length: Number(length.value) };
}

function refuseUnknownExpectation(fields: readonly Field[]): void {
  const expectation = joined(fields, "expect").toLowerCase();
  if (expectation !== "" && expectation !== "100-continue") {
    throw new MalformedMessage(417, "unknown expectation");
  }
}

/** h2c would hide later requests from us, and a body would have no clear end: those Upgrades are not forwarded. */
function requestedUpgrade(
  method: string,
  minor: 0 | 1,
  connection: readonly string[],
  framing: Framing,
  fields: readonly Field[],
): string | undefined {
  if (method !== "GET" || minor === 0 || framing !== "none" || !connection.includes("upgrade"))
    return undefined;
  const protocol = joined(fields, "upgrade");
  return protocol === "" || /h2c/i.test(protocol) ? undefined : protocol;
}

/** The only field of a name. Two of them are an error unless `repeated` says to take the first. */
function single(fields: readonly Field[], key: string, repeated?: "first"): Field | undefined {
  const [first, second] = fields.filter((field) => field.key === key);
  if (second !== undefined && repeated === undefined)
    throw new MalformedMessage(400, `repeated ${second.name}`);
  return first;
}

function joined(fields: readonly Field[], key: string): string {
  return fields
    .filter((field) => field.key === key)
    .map((field) => field.value)
    .join(", ");
}

const forUs = new Set(
  [
    "host content-length transfer-encoding connection keep-alive proxy-connection proxy-authorization te trailer upgrade",
    "http2-settings proxy forwarded x-real-ip x-request-id x-request-start",
  ].flatMap((names) => names.split(" ")),
);

/** Fields between the client and us only, and those that we alone may set. CGI and WSGI read "_" as "-". */
function isForUs(key: string): boolean {
  const name = key.includes("_") ? key.replaceAll("_", "-") : key;
  return forUs.has(name) || name.startsWith("x-forwarded-");
}

/** The head to send to an app. `receivedAt` in milliseconds since the epoch. */
export function upstreamRequestHead(
  request: ClientRequest,
  peer: string,
  port: number,
  receivedAt: number,
): string {
  let head = `${request.method} ${request.target} HTTP/1.1\r\nHost: ${request.authority}\r\n`;
  for (const field of request.fields) {
    if (isForUs(field.key) || request.connection.includes(field.key)) continue;
    const value = field.key === "cookie" ? withoutDashboardSession(field.value) : field.value;
    if (value !== null) head += `${field.name}: ${value}\r\n`;
  }
  if (request.framing === "chunked") head += "Transfer-Encoding: chunked\r\n";
  else if (typeof request.framing === "object") head += `Content-Length: ${request.framing.length}\r\n`;
  if (request.upgrade !== undefined) head += `Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`;
  else if (listMembers(joined(request.fields, "te")).includes("trailers"))
    head += "Connection: TE\r\nTE: trailers\r\n";
  return (
    head +
    `X-Forwarded-For: ${peer}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ${request.authority}\r\n` +
    `X-Forwarded-Port: ${port}\r\nX-Request-Id: ${request.id}\r\nX-Request-Start: t=${receivedAt}\r\n\r\n`
  );
}

/** Cookies know no ports (RFC 6265, 8.5): on the dashboard's own host name an app would be sent its visitors' sessions. */
function withoutDashboardSession(cookies: string): string | null {
  if (!cookies.includes("slipway-session=")) return cookies;
  const others = cookies.split(";").filter((cookie) => !/^\s*(__Host-)?slipway-session=/.test(cookie));
  return others.length === 0 ? null : others.join(";").trim();
}
