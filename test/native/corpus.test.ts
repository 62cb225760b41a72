import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { packageRoot } from "../../server/paths.ts";
import type { ContainerSpec } from "../../server/model/container.ts";
import { encodeOrder, type Order } from "../../server/runtime/order.ts";
import { buildSanitized } from "./sanitized-build.ts";

const corpus = join(packageRoot, "native/fuzz/corpus");

describe("the monitor's parsers, with sanitizers, on the fuzz targets' corpus", () => {
  let binaries: string;
  before(async function () {
    binaries = await buildSanitized(this, "targets");
  });

  /** What came of each file, by its name. Rejects with the sanitizer's report. */
  async function replay(target: string, files: readonly string[]): Promise<Map<string, string>> {
    const { stdout } = await promisify(execFile)(join(binaries, `fuzz-${target}`), files);
    const lines = stdout.trimEnd().split("\n");
    const results = lines.map((line) => /^(.+?): (.+)$/.exec(line)!.slice(1) as [string, string]);
    assert.equal(results.length, files.length);
    return new Map(results.map(([file, result]) => [basename(file), result]));
  }

  async function seeds(target: string): Promise<string[]> {
    const folder = join(corpus, target);
    return (await readdir(folder)).map((name) => join(folder, name));
  }

  it("take an order that is right and refuse one that is not", async () => {
    const results = await replay("order", await seeds("order"));
    assert.ok(results.size > 50, "the corpus was not found");
    for (const [name, result] of results) {
      // A new record that every order must have goes to the end of these: printf 'key=value\0' >> accepted-...
      const expected = name.startsWith("accepted-") ? /^accepted$/ : /^refused: ./;
      assert.match(result, expected, name);
    }
  });

  it("take what the server sends, and nothing less", async () => {
    const scratch = await mkdtemp(join(tmpdir(), "slipway-orders-"));
    try {
      for (const [name, order] of Object.entries(serverOrders)) {
        const sent = encodeOrder(order);
        const file = join(scratch, name);
        await writeFile(file, sent.subarray(sent.indexOf("\n") + 1));
        assert.equal((await replay("order", [file])).get(name), "accepted");
        await writeFile(file, sent.subarray(sent.indexOf("\n") + 1, -1));
        assert.equal((await replay("order", [file])).get(name), "refused: the last record has no end");
      }
    } finally {
      await rm(scratch, { recursive: true });
    }
  });

  // Inside these targets, every result is compared with what the input as a whole means.
  it("understand the control protocol in whatever pieces it comes", async () => {
    const results = await replay("control", await seeds("control"));
    assert.equal(results.get("order-in-pieces"), "order of 10 bytes, no stop");
    assert.equal(results.get("stop-behind-the-order"), "order of 5 bytes, stop 0");
    assert.equal(results.get("order-cut-off"), "no order");
  });

  it("cut what an app writes into lines in whatever pieces it comes", async () => {
    const results = await replay("log", await seeds("log"));
    assert.equal(results.get("in-pieces"), "3 lines");
    assert.equal(results.get("longest-line-then-its-end"), "2 lines");
  });
});

const spec: ContainerSpec = {
  id: "web-1",
  hostname: "web",
  layers: ["/layers/base", "/layers/app"],
  mounts: [
    { kind: "bind", source: "/", target: "/host", readOnly: true },
    { kind: "bind", source: "/data", target: "/data", readOnly: false },
    { kind: "overlay", layers: ["/cache"], writable: "/cache-changes", target: "/cache" },
  ],
  argv: ["/bin/sh", "-c", "", "a=b\n"],
  env: { PATH: "/bin", EMPTY: "", TEXT: "ä=ö\n" },
  cwd: "/",
  user: { uid: 0, gid: 65535 },
  idBase: 65536,
  limits: { memoryBytes: 2 ** 20, cpuShares: 2, cpus: 0.5, pids: 2, openFiles: 1024 },
  network: true,
};

const serverOrders: Record<string, Order> = {
  detached: {
    spec,
    directory: "/containers/web-1",
    output: { kind: "log", path: "/logs/web-1", fileBytes: 65536, files: 1 },
    attachment: {
      bridge: "slipway0",
      link: "slipway-1",
      address: "10.1.2.3",
      prefix: 16,
      gateway: "10.1.0.1",
    },
    files: { "/etc/hosts": "127.0.0.1 localhost\n", "/etc/empty": "" },
  },
  tied: {
    spec: { ...spec, mounts: [], limits: { ...spec.limits, cpus: null } },
    directory: "/containers/web-1",
    output: { kind: "tied" },
    attachment: null,
    files: {},
  },
};
