import type { Socket } from "node:net";
import { bodyReader, encodeChunks, lastChunk, type BodyReader, type Framing } from "./body.ts";
import { HeadCollector, MalformedMessage } from "./message-head.ts";
import type { ClientRequest } from "./request.ts";
import {
  checkPartialResponse,
  clientResponseHead,
  parseResponse,
  type UpstreamResponse,
} from "./response.ts";
import { writeParts } from "./write.ts";

const maxHeadBytes = 65_536;
const maxInterimResponses = 16;

/** What an upstream's bytes have led to. "tunnel": the connection has switched protocols. */
export type Progress = "more" | "done" | "tunnel";

/** Reads one answer from an upstream and passes it on to the client as it comes. */
export class ResponseRelay {
  readonly #client: Socket;
  readonly #request: ClientRequest;
  readonly #heads = new HeadCollector(maxHeadBytes);
  #interim = 0;
  #response: UpstreamResponse | undefined;
  #body: BodyReader = bodyReader("none");
  #clientFraming: Framing = "none";
  #clientKeepAlive: boolean;
  /** Whether the upstream has sent a single byte. */
  received = false;
  /** Bytes that came behind the answer, or behind the head of a switch of protocols. */
  rest: Buffer | undefined;

  constructor(client: Socket, request: ClientRequest) {
    this.#client = client;
    this.#request = request;
    this.#clientKeepAlive = request.keepAlive;
  }

  /** The status passed on to the client; undefined as long as another answer can still be given. */
  get status(): number | undefined {
    return this.#response?.status;
  }

  /** Whether the client may use its connection again after this answer. */
  get clientKeepAlive(): boolean {
    return this.#clientKeepAlive;
  }

  /** Whether the upstream's connection is in order for another request, as far as the answer goes. */
  get upstreamKeepAlive(): boolean {
    return this.#response !== undefined && this.#response.keepAlive && this.rest === undefined;
  }

  get keepAliveSeconds(): number | undefined {
    return this.#response?.keepAliveSeconds;
  }

  /** Takes bytes of the upstream. `requestDone`: the request has been read to its end. Throws MalformedMessage. */
  push(chunk: Buffer, requestDone: boolean): Progress {
    this.received = true;
    let bytes = chunk;
    while (this.#response === undefined) {
      const head = this.#heads.push(bytes);
      if (head === undefined) {
        checkPartialResponse(this.#heads.partial);
        return "more";
      }
      bytes = head.rest;
      const response = parseResponse(head.text, this.#request.method);
      if (response.status === 101) return this.#switchProtocols(response, bytes);
      if (response.status >= 200) return this.#begin(response, bytes, requestDone);
      this.#passInterim(response);
      if (bytes.length === 0) return "more";
    }
    return this.#passBody([], bytes);
  }

  /** The upstream has closed its side: true when that is how the answer ends, false when it is cut short. */
  end(): boolean {
    if (this.#response?.framing !== "close") return false;
    if (this.#clientFraming === "chunked") writeParts(this.#client, [lastChunk([])]);
    return true;
  }

  #passInterim(response: UpstreamResponse): void {
    this.#interim += 1;
    if (this.#interim > maxInterimResponses) throw new MalformedMessage(502, "too many interim responses");
    if (this.#request.minor === 0) return;
    writeParts(this.#client, [clientResponseHead(response, this.#request, "none", true)]);
  }

  #switchProtocols(response: UpstreamResponse, rest: Buffer): Progress {
    if (this.#request.upgrade === undefined || response.upgrade === undefined) {
      throw new MalformedMessage(502, "unasked switch of protocols");
    }
    this.#response = response;
    this.rest = rest;
    writeParts(this.#client, [clientResponseHead(response, this.#request, "none", true)]);
    return "tunnel";
  }

  #begin(response: UpstreamResponse, bytes: Buffer, requestDone: boolean): Progress {
    this.#response = response;
    this.#body = bodyReader(response.framing);
    this.#clientFraming = this.#framingForClient(response.framing);
    // A request that is still on its way may never be read to its end.
    if (!requestDone || this.#clientFraming === "close") this.#clientKeepAlive = false;
    const head = clientResponseHead(response, this.#request, this.#clientFraming, this.#clientKeepAlive);
    return this.#passBody([head], bytes);
  }

  #framingForClient(framing: Framing): Framing {
    if (framing !== "chunked" && framing !== "close") return framing;
    return this.#request.minor === 1 ? "chunked" : "close";
  }

  #passBody(output: (string | Buffer)[], bytes: Buffer): Progress {
    const parts: Buffer[] = [];
    const used = bytes.length === 0 ? 0 : this.#body.read(bytes, parts);
    if (used < bytes.length) this.rest = bytes.subarray(used);
    const chunked = this.#clientFraming === "chunked";
    output.push(...(chunked ? encodeChunks(parts) : parts));
    if (this.#body.done && chunked) output.push(lastChunk(this.#body.trailers));
    writeParts(this.#client, output);
    return this.#body.done ? "done" : "more";
  }
}
