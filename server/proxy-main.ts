import { parseArgs } from "node:util";
import { log } from "./lib/log.ts";
import { messageOf } from "./model/error.ts";
import { serveProxy } from "./proxy/serve.ts";
import { Dialer } from "./runtime/dial.ts";

// The proxy's own process: it outlives the server, which starts it (proxy/launch.ts) and feeds it over --socket.
const { values } = parseArgs({
  options: {
    listen: { type: "string", default: "80" },
    "listen-address": { type: "string", default: "::" },
    socket: { type: "string" },
    table: { type: "string" },
  },
});

if (values.socket === undefined || values.table === undefined) {
  process.stderr.write(
    "usage: proxy-main --socket PATH --table PATH [--listen PORT] [--listen-address ADDRESS]\n",
  );
  process.exit(2);
}

// The control socket is for its owner only: 0600.
process.umask(0o177);
const dialer = new Dialer();
try {
  await serveProxy({
    port: Number(values.listen),
    address: values["listen-address"],
    socketPath: values.socket,
    tablePath: values.table,
    dial: (upstream) => dialer.dial(upstream),
    onUpstreamGone: ({ id }) => dialer.forget(id),
  });
} catch (error) {
  log("the proxy cannot start", { error: messageOf(error) });
  process.exit(1);
}
