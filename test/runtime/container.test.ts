import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ContainerTimeout, describeExit, type OutputLine } from "../../server/model/container.ts";
import { UserError } from "../../server/model/error.ts";
import { ContainerRoom } from "../support/containers.ts";
import { until } from "../support/until.ts";

describe("a container", () => {
  let room: ContainerRoom;
  before(async () => {
    room = await ContainerRoom.open();
  });
  after(() => room.close());

  it("gives the app's exit status and what it wrote, stream by stream", async () => {
    const result = await room.sh("echo out; echo err >&2; printf unfinished; exit 7");
    assert.deepEqual(
      [result.code, result.signal, result.stdout, result.stderr],
      [7, null, "out\nunfinished", "err"],
    );
  });

  it("names the signal that ended the app", async () => {
    const result = await room.sh("kill -SEGV $$");
    assert.deepEqual(
      [result.code, result.signal, describeExit(result)],
      [null, "SIGSEGV", "killed by SIGSEGV"],
    );
  });

  it("gives the app its arguments, environment, directory, user and host name, and nothing else", async () => {
    const result = await room.run(
      [
        "/usr/bin/env",
        "--",
        "sh",
        "-c",
        `id -u; id -g; pwd; hostname; echo "$1"; env -u PWD | sort`,
        "sh",
        "a  b;$(c)",
      ],
      {
        env: { PATH: "/usr/bin", GREETING: "good = morning\n!" },
        cwd: "/var/tmp",
        user: { uid: 1234, gid: 2345 },
        hostname: "web-1",
      },
    );
    assert.deepEqual(result.stdout.split("\n"), [
      "1234",
      "2345",
      "/var/tmp",
      "web-1",
      "a  b;$(c)",
      "!",
      "GREETING=good = morning",
      "PATH=/usr/bin",
    ]);
  });

  it("has the usual files, devices and limits", async () => {
    const result = await room.sh(
      "cat /etc/hostname; grep -c localhost /etc/hosts; ls /.dockerenv /run/.containerenv; head -c 3 /dev/zero | od -An -tx1; echo x > /dev/null; echo y > /dev/shm/y; tty; umask; ulimit -c; ulimit -n; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; head -c1 /dev/stdin | wc -c",
      { hostname: "usual" },
    );
    assert.equal(
      result.stdout,
      "usual\n2\n/.dockerenv\n/run/.containerenv\n 00 00 00\nnot a tty\n0022\n0\n1024\n0\n0",
    );
    assert.equal(result.stderr, "");
  });

  it("keeps files on disk under the container's own ids, whatever range of the host it runs as", async () => {
    const directory = join(room.directory, "data");
    await mkdir(directory);
    await writeFile(join(directory, "from-host"), "");
    const change = {
      mounts: [
        ...room.spec([]).mounts,
        { kind: "bind", source: directory, target: "/data/deep", readOnly: false } as const,
      ],
      user: { uid: 0, gid: 0 },
      idBase: 2_000_000_000,
    };
    const result = await room.sh(
      "stat -c %u:%g /data/deep/from-host; touch /data/deep/by-root; chgrp 0 /data/deep; cat /proc/self/uid_map",
      change,
    );
    assert.match(result.stdout, /^0:0\n\s*0 2000000000\s+65536$/);
    const { uid, gid } = await stat(join(directory, "by-root"));
    assert.deepEqual([uid, gid], [0, 0]);
  });

  it("merges layers, and keeps what is written into an overlay outside of it", async () => {
    const [lower, upper, writable] = ["lower", "upper", "writable"].map((name) =>
      join(room.directory, name),
    ) as [string, string, string];
    for (const path of [lower, upper, writable]) await mkdir(path);
    await writeFile(join(lower, "both"), "lower");
    await writeFile(join(lower, "only"), "kept");
    await writeFile(join(upper, "both"), "upper");
    const mounts = [
      ...room.spec([]).mounts,
      { kind: "overlay", layers: [lower, upper], writable, target: "/work" } as const,
    ];
    const result = await room.sh("cat /work/both /work/only; rm /work/only; echo new > /work/new", {
      mounts,
      user: { uid: 0, gid: 0 },
    });
    assert.equal(result.stdout, "upperkept");
    assert.equal(result.code, 0);
    assert.equal(await readFile(join(lower, "only"), "utf8"), "kept");
    assert.equal(await readFile(join(writable, "upper/new"), "utf8"), "new\n");
    assert.equal((await stat(join(writable, "upper/only"))).isCharacterDevice(), true, "a whiteout");
    const second = await room.sh("ls /work", { mounts, user: { uid: 0, gid: 0 } });
    assert.equal(second.stdout, "both\nnew");
  });

  it("cannot write to what is mounted read-only", async () => {
    const result = await room.sh("touch /usr/x", { user: { uid: 0, gid: 0 } });
    assert.match(result.stderr, /Read-only file system/);
  });

  it("refuses a command and a directory that do not exist, in one line for the person", async () => {
    await assert.rejects(room.run(["no-such-program"]), (error: Error) => {
      assert.ok(error instanceof UserError);
      return error.message === "Cannot run no-such-program: No such file or directory";
    });
    await assert.rejects(room.run(["true"], { cwd: "/nowhere" }), (error: Error) => {
      assert.ok(error instanceof UserError);
      return error.message === "Cannot enter directory /nowhere: No such file or directory";
    });
  });

  it("names the step that failed, and leaves nothing behind", async () => {
    const spec = room.spec(["true"], { layers: ["/no/such/layer"] });
    await assert.rejects(room.runtime.start(spec, join(room.directory, "logs/x.log")), {
      message: "Container not made: open /no/such/layer: No such file or directory",
    });
    await room.runtime.tidy();
    assert.deepEqual(await readdir(room.containersDir), []);
    assert.equal(existsSync(`/sys/fs/cgroup/memory/slipway/${spec.id}`), false);
  });

  it("is killed as a whole on abort and on time-out, and its folder is removed", async () => {
    const lines: OutputLine[] = [];
    const controller = new AbortController();
    const options = { onLine: (line: OutputLine) => lines.push(line), timeoutMs: 60_000 };
    // The grandchild holds the output open, so that the end of it means that it has ended too.
    const hog = room.spec([
      "/bin/sh",
      "-c",
      "trap '' TERM; (trap '' TERM; sleep 1000) & echo up; wait; sleep 1000",
    ]);
    const aborted = room.runtime.run(hog, { ...options, signal: controller.signal });
    await until(async () => lines.length > 0);
    controller.abort(new Error("changed my mind"));
    await assert.rejects(aborted, { message: "changed my mind" });

    const late = room.runtime.run(room.spec(["sleep", "1000"]), {
      ...options,
      signal: new AbortController().signal,
      timeoutMs: 50,
    });
    await assert.rejects(late, ContainerTimeout);
    await room.runtime.tidy();
    assert.deepEqual(await readdir(room.containersDir), []);
  });

  for (const [what, script] of [
    ["links to folders of others", "mkdir folder && ln -s / folder/root"],
    ["many files", "seq 1500 | xargs touch"],
    ["a deep tree", "for i in $(seq 100); do mkdir d; cd d; done; touch end"],
  ] as const) {
    it(`has its folder removed with ${what} in it, and nothing else`, async () => {
      const outside = join(room.directory, "outside");
      await mkdir(outside, { recursive: true });
      await writeFile(join(outside, "kept"), "");
      assert.equal((await room.sh(`cd /tmp && ln -s ${outside} far && ${script}`)).code, 0);
      await room.runtime.tidy();
      assert.deepEqual(await readdir(room.containersDir), []);
      assert.deepEqual(await readdir(outside), ["kept"]);
    });
  }

  it("reaps the zombies of the app", async () => {
    // The middle shell ends at once, so the inner one is init's to reap; it would stay for ever if nobody did.
    const result = await room.sh(
      `sh -c 'sh -c "exit 3" & exec true'
       zombies() { grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l; }
       for i in $(seq 100); do [ "$(zombies)" = 0 ] && break; sleep 0.05; done
       zombies`,
    );
    assert.equal(result.stdout, "0");
  });

  it("passes SIGTERM on and kills after the grace", async () => {
    const logFile = join(room.directory, "logs/stop.log");
    const polite = await room.runtime.start(
      room.spec(["/bin/sh", "-c", "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done"]),
      logFile,
    );
    await until(async () => existsSync(logFile) && (await readFile(logFile, "utf8")).includes("up"));
    const exit = await polite.stop(60_000);
    assert.deepEqual([exit.code, exit.signal], [5, null]);
    assert.match(await readFile(logFile, "utf8"), /bye\n$/);

    const stubbornLog = join(room.directory, "logs/stubborn.log");
    const stubborn = await room.runtime.start(
      room.spec(["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.01; done"]),
      stubbornLog,
    );
    await until(async () => (await readFile(stubbornLog, "utf8")).includes("up"));
    const killed = await stubborn.stop(100);
    assert.deepEqual([killed.code, killed.signal], [null, "SIGKILL"]);
    assert.deepEqual(await stubborn.exited, killed);
  });
});
