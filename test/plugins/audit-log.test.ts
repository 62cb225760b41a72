import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPlugins } from "../../server/plugins/host.ts";
import { packageRoot } from "../../server/paths.ts";

describe("audit-log plugin", () => {
  let dataDir: string;
  const event = {
    id: 7,
    at: Date.UTC(2026, 0, 5),
    app: "blog",
    actor: "ada",
    kind: "command",
    message: "two\nlines",
  };

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "slipway-audit-"));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  async function loadShipped() {
    const logged: string[] = [];
    const pluginsDir = join(packageRoot, "plugins");
    const host = await loadPlugins({ pluginsDir, dataDir, log: (message) => logged.push(message) });
    return { host, logged };
  }

  it("appends each event as one line of JSON that only the server's user can read", async () => {
    const { host, logged } = await loadShipped();
    await Promise.all([host.emit("event", event), host.emit("event", { ...event, id: 8 })]);
    const lines = (await readFile(join(dataDir, "audit.log"), "utf8")).trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        { ...event, at: "2026-01-05T00:00:00.000Z" },
        { ...event, id: 8, at: "2026-01-05T00:00:00.000Z" },
      ],
    );
    assert.equal((await stat(join(dataDir, "audit.log"))).mode & 0o777, 0o600);
    assert.deepEqual(logged, []);
  });

  it("keeps five older files when it has grown to its limit", async () => {
    const { host } = await loadShipped();
    for (let round = 1; round <= 7; round++) {
      await writeFile(join(dataDir, "audit.log"), `${round}`.padEnd(10 * 1024 * 1024));
      await host.emit("event", event);
    }
    assert.deepEqual((await readdir(dataDir)).toSorted(), [
      "audit.log",
      ...[1, 2, 3, 4, 5].map((n) => `audit.log.${n}`),
    ]);
    const eldest = await readFile(join(dataDir, "audit.log.5"), "utf8");
    assert.equal(eldest[0], "3");
    assert.equal((await readFile(join(dataDir, "audit.log"), "utf8")).trim().split("\n").length, 1);
  });
});
