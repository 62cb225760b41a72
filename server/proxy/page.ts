import { STATUS_CODES } from "node:http";

/** What a page must know of the request that it answers; little of it when the request was malformed. */
export interface PageRequest {
  readonly method: string;
  readonly accept: string;
  readonly id: string;
}

const explanations: Readonly<Record<number, string>> = {
  404: "There is no app at this address.",
  408: "The request did not arrive in time.",
  502: "The app cannot be reached, or its answer was not valid.",
  503: "The app is not running.",
  504: "The app did not answer in time.",
};

/** A whole HTTP answer of our own: HTML for browsers, plain text for everything else. */
export function page(status: number, request: PageRequest, connection: "close" | "keep-alive"): Buffer {
  const title = `${status} ${STATUS_CODES[status] ?? "Error"}`;
  const explanation = explanations[status] ?? "The request is not valid HTTP.";
  const html = request.accept.toLowerCase().includes("text/html");
  const body = html ? htmlBody(title, explanation, request.id) : textBody(title, explanation, request.id);
  const head =
    `HTTP/1.1 ${title}\r\nDate: ${new Date().toUTCString()}\r\n` +
    `Content-Type: text/${html ? "html" : "plain"}; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
    `Cache-Control: no-store\r\nX-Request-Id: ${request.id}\r\nConnection: ${connection}\r\n\r\n`;
  return Buffer.from(request.method === "HEAD" ? head : head + body);
}

function textBody(title: string, explanation: string, id: string): string {
  return `${title}\n${explanation}\nRequest ${id}\n`;
}

function htmlBody(title: string, explanation: string, id: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto 0; padding: 0 1.5rem; }
  small { color: GrayText; }
  :root { color-scheme: light dark; }
</style>
<h1>${title}</h1>
<p>${explanation}</p>
<small>Request ${id}</small>
</html>
`;
}
