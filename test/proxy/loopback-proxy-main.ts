import { createConnection } from "node:net";
import { parseArgs } from "node:util";
import { serveProxy } from "../../server/proxy/serve.ts";

// A proxy process like proxy-main's, for upstreams on this machine's own loopback.
const { values } = parseArgs({
  options: {
    listen: { type: "string", default: "0" },
    "listen-address": { type: "string", default: "127.0.0.1" },
    socket: { type: "string", default: "" },
    table: { type: "string", default: "" },
  },
});
process.umask(0o177);
await serveProxy({
  port: Number(values.listen),
  address: values["listen-address"],
  socketPath: values.socket,
  tablePath: values.table,
  dial: ({ port }) => createConnection({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true }),
  onUpstreamGone: () => {},
});
