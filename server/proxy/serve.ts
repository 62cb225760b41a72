import { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";
import type { Upstream } from "../model/route.ts";
import { protocolVersion } from "./control-protocol.ts";
import { ControlServer } from "./control-server.ts";
import { DataPlane } from "./data-plane.ts";
import type { Dial } from "./dial.ts";
import { SavedTable } from "./saved-table.ts";

export interface ServeOptions {
  readonly port: number;
  readonly address: string;
  readonly socketPath: string;
  readonly tablePath: string;
  readonly dial: Dial;
  readonly onUpstreamGone: (upstream: Upstream) => void;
}

const signalGraceMs = 10_000;

/** Runs a whole proxy in this process: serves from the saved table at once, and takes orders at the socket. */
export async function serveProxy(options: ServeOptions): Promise<void> {
  const { port, address, socketPath, tablePath, dial, onUpstreamGone } = options;
  const dataPlane = new DataPlane({ dial, onUpstreamGone });
  const savedTable = new SavedTable(tablePath);
  await publishSaved(dataPlane, savedTable);
  const actualPort = await dataPlane.listen(port, address);
  const control = new ControlServer({
    socketPath,
    dataPlane,
    savedTable,
    hello: { protocol: protocolVersion, pid: process.pid, port: actualPort, listen: { port, address } },
    onShutdown: shutdown,
  });
  await control.listen();
  process.once("SIGTERM", () => shutdown(signalGraceMs));
  process.once("SIGINT", () => shutdown(signalGraceMs));
  log("proxy listens", { port: actualPort, address });

  function shutdown(graceMs: number): void {
    control.stopListening();
    // The process ends when nothing is left to wait for.
    void dataPlane.close(graceMs).then(() => control.close());
  }
}

async function publishSaved(dataPlane: DataPlane, savedTable: SavedTable): Promise<void> {
  const table = await savedTable.load();
  if (table === undefined) return;
  try {
    dataPlane.publish(table);
  } catch (error) {
    log("the saved routing table is not usable", { error: messageOf(error) });
  }
}
