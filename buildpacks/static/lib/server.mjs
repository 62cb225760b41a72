import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";

const root = await realpath(process.argv[2]);
/** Entity tags by path, made when first needed. Times of files would not do: an exported image has one for all. */
const tags = new Map();

const types = {
  ".avif": "image/avif",
  ".css": "text/css; charset=utf-8",
  ".csv": "text/csv; charset=utf-8",
  ".gif": "image/gif",
  ".htm": "text/html; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webm": "video/webm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".xml": "application/xml",
};

async function answer(request, response) {
  if (request.method !== "GET" && request.method !== "HEAD")
    return sendText(request, response, 405, "Method not allowed", { Allow: "GET, HEAD" });
  const path = decodePath(request.url);
  if (path === null) return sendText(request, response, 400, "Bad request");
  const found = hidden(path) ? null : await openFile(path);
  if (found === "folder") return redirectToFolder(request, response);
  if (found !== null) return sendFile(request, response, 200, found);
  const page = await openFile("/404.html");
  if (page !== null && page !== "folder") return sendFile(request, response, 404, page);
  return sendText(request, response, 404, "Not found");
}

/** The decoded path, null when it cannot be one. */
function decodePath(url) {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0]);
    return path.startsWith("/") && !path.includes("\0") ? path : null;
  } catch {
    return null;
  }
}

/** Dot files are not for visitors, "..", too; .well-known is (RFC 8615). */
function hidden(path) {
  return path.split("/").some((part) => part.startsWith(".") && part !== ".well-known");
}

/** An open file with its facts; "folder" for one that has a page but lacks the slash; null when nothing is served there. */
async function openFile(path) {
  const file = await openInside(path.endsWith("/") ? `${path}index.html` : path);
  if (file === null) return null;
  if (!file.stats.isDirectory()) return file;
  await file.handle.close();
  const page = await openInside(`${path}/index.html`);
  await page?.handle.close();
  return page === null ? null : "folder";
}

async function openInside(path) {
  let handle;
  try {
    // Links may lead from one place of the site to another, not out of it.
    const real = await realpath(join(root, path));
    if (real !== root && !real.startsWith(root + sep)) return null;
    handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (stats.isFile() || stats.isDirectory()) return { handle, stats, path };
  } catch (error) {
    if (!["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG", "ENXIO"].includes(error.code)) throw error;
  }
  await handle?.close();
  return null;
}

async function sendFile(request, response, status, { handle, stats, path }) {
  try {
    const { size } = stats;
    const etag = await entityTag(handle, path);
    response.setHeader("ETag", etag);
    response.setHeader("Cache-Control", "no-cache");
    response.setHeader("X-Content-Type-Options", "nosniff");
    if (status === 200 && matches(request.headers["if-none-match"], etag)) {
      response.writeHead(304).end();
      return;
    }
    response.setHeader("Content-Type", types[extname(path).toLowerCase()] ?? "application/octet-stream");
    if (status === 200) response.setHeader("Accept-Ranges", "bytes");
    const usable =
      status === 200 && request.method === "GET" && [undefined, etag].includes(request.headers["if-range"]);
    const range = usable ? parseRange(request.headers.range, size) : null;
    if (range === "unsatisfiable") {
      response.writeHead(416, { "Content-Range": `bytes */${size}`, "Content-Length": 0 }).end();
      return;
    }
    const { start, end } = range ?? { start: 0, end: size - 1 };
    if (range !== null) response.setHeader("Content-Range", `bytes ${start}-${end}/${size}`);
    response.writeHead(range === null ? status : 206, { "Content-Length": end - start + 1 });
    if (request.method === "HEAD" || size === 0) response.end();
    else await pipeline(handle.createReadStream({ start, end, autoClose: false }), response);
  } finally {
    await handle.close();
  }
}

async function entityTag(handle, path) {
  const known = tags.get(path);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false })) hash.update(chunk);
  const tag = `"${hash.digest("base64url").slice(0, 22)}"`;
  tags.set(path, tag);
  return tag;
}

/** One range of RFC 9110, section 14: null for none, several or none that can be read, which get the whole file. */
function parseRange(header, size) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || (first === "" && last === "")) return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return null;
  if (start >= size) return "unsatisfiable";
  return { start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}

function matches(header, etag) {
  return (
    header !== undefined && header.split(",").some((each) => ["*", etag, `W/${etag}`].includes(each.trim()))
  );
}

/** Relative, so that neither host nor scheme must be known. */
function redirectToFolder(request, response) {
  const [path] = request.url.split(/[?#]/, 1);
  const query = request.url.slice(path.length);
  const name = path.split("/").at(-1);
  response.writeHead(301, { Location: `./${name}/${query}`, "Content-Length": 0 }).end();
}

function sendText(request, response, status, text, headers = {}) {
  const body = `${text}\n`;
  response.writeHead(status, {
    ...headers,
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    // A visitor who left is no fault of ours.
    if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") console.error(error);
    response.destroy();
  });
});
server.listen(process.env.PORT, () => console.log(`serving ${root} on port ${process.env.PORT}`));
process.once("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
