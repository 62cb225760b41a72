import assert from "node:assert/strict";
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogLine } from "../../server/model/log-line.ts";
import { pruneLogs, readLogs } from "../../server/runtime/log-files.ts";
import { ContainerRoom } from "../support/containers.ts";

describe("log of a container", () => {
  let room: ContainerRoom;
  before(async () => {
    room = await ContainerRoom.open({ logFileBytes: 100_000, logFiles: 3 });
  });
  after(() => room.close());

  it("has each line with its time and stream, long ones in pieces, the last without its end", async () => {
    const path = join(room.directory, "logs/1/web.1.a.log");
    const script = "echo one; echo two > /dev/stderr; head -c 40000 /dev/zero | tr '\\0' x; echo; printf end";
    const container = await room.runtime.start(room.spec(["/bin/sh", "-c", script]), path);
    assert.equal((await container.exited).code, 0);
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    assert.deepEqual(
      lines.filter((line) => line.includes(" o ")).map((line) => line.split(" ")[2]!.length),
      [3, 16_384, 16_384, 40_000 - 2 * 16_384, 3],
    );
    assert.match(
      lines.find((line) => line.endsWith(" e two"))!,
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z e two$/,
    );
  });

  it("is rotated by size, with the oldest dropped and the newest line always there", async () => {
    const directory = join(room.directory, "logs/2");
    const path = join(directory, "web.1.b.log");
    const container = await room.runtime.start(
      room.spec(["/bin/sh", "-c", "seq -f 'line %08g' 20000"]),
      path,
    );
    await container.exited;
    assert.deepEqual((await readdir(directory)).sort(), ["web.1.b.log", "web.1.b.log.1", "web.1.b.log.2"]);
    for (const name of await readdir(directory))
      assert.ok((await stat(join(directory, name))).size <= 100_000);
    const lines = await collect({ dir: directory, lines: 5000 });
    assert.equal(lines.length, 5000);
    assert.deepEqual([lines.at(0)?.text, lines.at(-1)?.text], ["line 00015001", "line 00020000"]);
  });

  it("never holds up the app when it cannot be written", async () => {
    // Whatever is written to it fails with ENOSPC, as on a full disk.
    const container = await room.runtime.start(
      room.spec(["/bin/sh", "-c", "seq 300000; exit 4"]),
      "/dev/full",
    );
    assert.equal((await container.exited).code, 4);
  });
});

describe("reading logs", () => {
  let dir: string;
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), "slipway-logs-")), "app");
    await mkdir(dir);
  });
  afterEach(() => rm(join(dir, ".."), { recursive: true }));

  const line = (second: number, text: string, stream = "o") =>
    `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000000Z ${stream} ${text}\n`;

  it("merges containers and rotations by time and takes the newest", async () => {
    await writeFile(join(dir, "web.1.aa.log.1"), line(1, "a1") + line(3, "a3"));
    await writeFile(join(dir, "web.1.aa.log"), line(5, "a5", "e"));
    await writeFile(join(dir, "worker.1.bb.log"), line(2, "b2") + line(4, "b4") + "unfinished");
    await writeFile(join(dir, "unrelated.txt"), line(9, "no"));
    assert.deepEqual(
      (await collect({ dir, lines: 4 })).map(({ process, stream, text }) => `${process} ${stream} ${text}`),
      ["worker.1 stdout b2", "web.1 stdout a3", "worker.1 stdout b4", "web.1 stderr a5"],
    );
    const texts = async (process: string) =>
      (await collect({ dir, lines: 9, process })).map(({ text }) => text);
    assert.deepEqual(await texts("worker"), ["b2", "b4"]);
    assert.deepEqual(await texts("web.1"), ["a1", "a3", "a5"]);
    assert.deepEqual(await texts("w"), []);
    assert.deepEqual(await collect({ dir, lines: 0 }), []);
    assert.deepEqual(await collect({ dir: `${dir}/none`, lines: 3 }), []);
  });

  it("follows through rotation and into new containers, each line once", async () => {
    const path = join(dir, "web.1.aa.log");
    await writeFile(path, line(0, "old") + line(1, "newest"));
    const controller = new AbortController();
    const following = readLogs({ dir, lines: 1, follow: true, signal: controller.signal });
    const next = async () => ((await following.next()).value as LogLine).text;
    assert.equal(await next(), "newest");
    const second = next();
    await appendFile(path, line(2, "second"));
    assert.equal(await second, "second");
    await appendFile(path, line(3, "third"));
    await rename(path, `${path}.1`);
    await writeFile(path, line(4, "rotated"));
    assert.deepEqual([await next(), await next()], ["third", "rotated"]);
    const other = next();
    await writeFile(join(dir, "web.1.bb.log"), line(5, "other container"));
    assert.equal(await other, "other container");
    const end = following.next();
    controller.abort();
    assert.equal((await end).done, true);
  });

  it("prunes the oldest, but leaves each process its newest", async () => {
    for (const [age, name] of ["web.1.aa.log", "web.1.bb.log", "worker.1.cc.log", "web.1.dd.log"].entries()) {
      await writeFile(join(dir, name), "x".repeat(1000));
      await utimes(join(dir, name), 1000 + age, 1000 + age);
    }
    await pruneLogs(dir, 1500);
    assert.deepEqual((await readdir(dir)).sort(), ["web.1.dd.log", "worker.1.cc.log"]);
  });
});

async function collect(query: { dir: string; lines: number; process?: string }): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const signal = new AbortController().signal;
  for await (const line of readLogs({ ...query, follow: false, signal })) lines.push(line);
  return lines;
}
