import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import type {
  ContainerExit,
  ContainerSpec,
  ExecCommand,
  Execution,
  RunningContainer,
  TerminalSize,
} from "../../server/model/container.ts";
import { UserError } from "../../server/model/error.ts";
import { ContainerRoom } from "../support/containers.ts";
import { until } from "../support/until.ts";

const sh = (script: string, ...values: string[]): ExecCommand => ({
  argv: ["/bin/sh", "-c", script, "sh", ...values],
});

describe("a command in a running container", () => {
  let room: ContainerRoom;
  let container: RunningContainer;
  before(async () => {
    room = await ContainerRoom.open();
    container = await start(["sleep", "1000"], {
      env: { PATH: "/usr/bin:/bin", COLOUR: "blue", SHAPE: "round" },
    });
  });
  after(async () => {
    await container?.stop(0);
    await room.close();
  });

  function start(argv: readonly string[], change: Partial<ContainerSpec> = {}): Promise<RunningContainer> {
    const spec = room.spec(argv, change);
    return room.runtime.start(spec, logFileOf(spec.id));
  }

  const logFileOf = (id: string) => join(room.directory, "logs", `${id}.log`);

  const open = (command: ExecCommand, terminal?: TerminalSize, signal = new AbortController().signal) =>
    container.exec(command, terminal === undefined ? { signal } : { signal, terminal });

  async function run(
    command: ExecCommand,
    input = "",
  ): Promise<{ exit: ContainerExit; stdout: string; stderr: string }> {
    const execution = await open(command);
    execution.stdin.end(input);
    const [stdout, stderr] = await Promise.all([text(execution.stdout), text(execution.stderr)]);
    return { exit: await execution.exited, stdout, stderr };
  }

  /** What the command's terminal shows, and a wait for something on it. */
  function screen(execution: Execution) {
    let shown = "";
    execution.stdout.on("data", (chunk: Buffer) => (shown += chunk.toString()));
    return { shows: (pattern: RegExp) => until(async () => pattern.test(shown)), text: () => shown };
  }

  it("gives its exit status, its signal and what it wrote, stream by stream", async () => {
    const { exit, stdout, stderr } = await run(
      sh("echo out; echo err >&2; echo named > /dev/stderr; exit 7"),
    );
    assert.deepEqual([exit.code, exit.signal, stdout, stderr], [7, null, "out\n", "err\nnamed\n"]);
    const killed = await run(sh("kill -SEGV $$"));
    assert.deepEqual([killed.exit.code, killed.exit.signal], [null, "SIGSEGV"]);
  });

  it("gets the app's variables, directory and user, or those that are named", async () => {
    const script = `echo $COLOUR $SHAPE $SIZE; pwd; id -u; id -g; id -G; umask; ls /proc/self/fd | wc -l; echo "$1"`;
    assert.equal(
      (await run(sh(script, "a  b;$(c)"))).stdout,
      "blue round\n/\n1000\n1000\n1000\n0022\n4\na  b;$(c)\n",
    );
    const other = {
      ...sh(script, "x"),
      env: { COLOUR: "red", SIZE: "9" },
      cwd: "/var/tmp",
      user: { uid: 12, gid: 34 },
    };
    assert.equal((await run(other)).stdout, "red round 9\n/var/tmp\n12\n34\n34\n0022\n4\nx\n");
  });

  it("has an end of its input", async () => {
    assert.equal((await run({ argv: ["wc", "-c"] }, "12345")).stdout, "5\n");
  });

  it("passes megabytes through byte by byte, to a reader slower than the command", async () => {
    const data = randomBytes(5 * 2 ** 20);
    const execution = await open({ argv: ["cat"] });
    execution.stdin.end(data);
    await once(execution.stdout, "readable");
    const [back] = await Promise.all([buffer(execution.stdout), text(execution.stderr)]);
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    assert.equal(hash(back), hash(data));
    assert.equal((await execution.exited).code, 0);
  });

  it("whose client does not read is held up, alone, and the monitor keeps little of it", async () => {
    const flood = await open(sh("while :; do echo 0123456789; done"));
    await until(async () => flood.stdout.readableLength > 0);
    assert.equal((await run(sh("echo here"))).stdout, "here\n");
    // Nothing of this moves on, and still it can be told to end.
    const deaf = await open(sh("sleep 1000"));
    deaf.stdin.write(randomBytes(2 ** 20));
    deaf.kill("SIGTERM");
    assert.equal((await deaf.exited).signal, "SIGTERM");
    const monitor = /^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${container.pid}/status`, "utf8"))![1]!;
    const memory = await readFile(`/proc/${monitor}/smaps_rollup`, "utf8");
    assert.ok(Number(/^Private_Dirty:\s+(\d+)/m.exec(memory)![1]) <= 1024, memory);
    flood.kill("SIGKILL");
    flood.stdout.resume();
    assert.equal((await flood.exited).signal, "SIGKILL");
  });

  it("may leave something behind that goes on writing, and has ended all the same", async () => {
    const { exit, stdout } = await run(sh("(while echo again; do :; done) & echo done"));
    assert.equal(exit.code, 0);
    assert.match(stdout, /^done$/m);
  });

  it("has a terminal of the size that its client's has", async () => {
    const terminal = await open(
      sh(
        `tty; stty size; trap "stty size" WINCH; trap "echo interrupted; exit 3" INT; echo ready; while :; do sleep 0.01; done`,
      ),
      { columns: 80, rows: 24 },
    );
    const { shows, text: shown } = screen(terminal);
    await shows(/ready/);
    assert.equal(shown(), "/dev/pts/0\r\n24 80\r\nready\r\n");
    terminal.resize({ columns: 132, rows: 50 });
    await shows(/50 132/);
    terminal.stdin.write("\x03");
    assert.equal((await terminal.exited).code, 3);
    await shows(/\^Cinterrupted/);
  });

  it("reads an end of input from its terminal", async () => {
    const terminal = await open(sh("cat; echo end"), { columns: 80, rows: 24 });
    const { shows } = screen(terminal);
    terminal.stdin.end("typed\n");
    await shows(/typed\r\ntyped\r\nend\r\n/);
    assert.equal((await terminal.exited).code, 0);
  });

  it("is shut in as the app is", async () => {
    const facts = `for kind in user mnt pid net ipc uts cgroup; do readlink /proc/$1/ns/$kind; done
      grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Uid|Gid)' /proc/$1/status; grep -E 'open files|core' /proc/$1/limits; cat /proc/$1/cgroup`;
    const app = await run(sh(facts, "2"));
    const own = await run(sh(facts, "self"));
    assert.equal(own.stderr, "");
    assert.equal(own.stdout, app.stdout);
    assert.match(own.stdout, /CapEff:\s+0+\nCapBnd:\s+0+\n/);
    assert.match(own.stdout, /NoNewPrivs:\s+1\nSeccomp:\s+2\n/);
    for (const script of ["unshare -Ur true", "mount -t tmpfs none /tmp", "chroot / true", "dmesg"]) {
      assert.notEqual((await run(sh(script))).exit.code, 0, script);
    }
    const root = { ...sh("unshare -m true || ! : > /usr/x || mknod /tmp/x b 8 0"), user: { uid: 0, gid: 0 } };
    assert.notEqual((await run(root)).exit.code, 0);
  });

  it("counts as the container's in its cgroup", async () => {
    const execution = await open({ argv: ["sleep", "1000"] });
    const lists = ["/sys/fs/cgroup/pids/slipway", "/sys/fs/cgroup/slipway"];
    const members = await Promise.any(
      lists.map((path) => readFile(join(path, container.id, "cgroup.procs"), "utf8")),
    );
    const commands = await Promise.all(
      members
        .trim()
        .split("\n")
        .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8")),
    );
    assert.equal(commands.filter((command) => command === "sleep\x001000\0").length, 2);
    execution.kill("SIGKILL");
    await execution.exited;
  });

  it("cannot be led out of the container over a descriptor", async () => {
    const ways = ["/proc/1/root", ...Array.from({ length: 40 }, (_, fd) => `/proc/self/fd/${fd}`)];
    for (const cwd of ways) {
      for (const user of [
        { uid: 0, gid: 0 },
        { uid: 1000, gid: 1000 },
      ])
        await assert.rejects(run({ ...sh("ls; ls ../.."), cwd, user }), UserError, cwd);
    }
    assert.equal(
      await run({ ...sh("pwd; ls /proc/self/root"), cwd: "/proc/1/root" }).catch(() => null),
      null,
    );
  });

  it("is refused in one line when it does not exist", async () => {
    await assert.rejects(run({ argv: ["no-such-program"] }), (error: Error) => {
      assert.ok(error instanceof UserError);
      return error.message === "Cannot run no-such-program: No such file or directory";
    });
    await assert.rejects(open({ argv: ["true"], cwd: "/nowhere" }, { columns: 80, rows: 24 }), {
      message: "Cannot enter directory /nowhere: No such file or directory",
    });
  });

  it("ends when its client goes, even when it does not want to", async () => {
    const alive = async () => (await run(sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"))).stdout;
    for (const terminal of [undefined, { columns: 80, rows: 24 }]) {
      const controller = new AbortController();
      const stubborn = await open(
        sh("trap '' HUP TERM; echo up; sleep 4321 & while :; do sleep 4321; done"),
        terminal,
        controller.signal,
      );
      await once(stubborn.stdout, "data");
      assert.match(await alive(), /sleep 4321/);
      controller.abort();
      await stubborn.exited;
      await until(async () => !(await alive()).includes("sleep 4321"));
    }
  });

  it("runs beside others", async () => {
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) => run(sh("cat; exit $1", String(i)), `${i}`)),
    );
    assert.deepEqual(
      results.map(({ exit, stdout }) => [exit.code, stdout]),
      results.map((_, i) => [i, `${i}`]),
    );
  });

  it("is refused when too many run", async () => {
    const running: Execution[] = [];
    await assert.rejects(
      async () => {
        for (;;) running.push(await open({ argv: ["sleep", "1000"] }));
      },
      { name: "UserError", message: /^Cannot run a command: too many run in this container: / },
    );
    assert.equal(running.length, 16);
    for (const execution of running) execution.kill("SIGKILL");
    await Promise.all(running.map(({ exited }) => exited));
    assert.equal((await run(sh("echo again"))).stdout, "again\n");
  });

  it("runs on without a client, with its output in the container's log", async () => {
    await container.execDetached(sh("echo out; echo err >&2"));
    const logged = async (line: RegExp) => line.test(await readFile(logFileOf(container.id), "utf8"));
    await until(() => logged(/ o out\n/));
    await until(() => logged(/ e err\n/));
    await assert.rejects(container.execDetached({ argv: ["no-such-program"] }), UserError);
  });

  it("works in an adopted container, and ends with it", async () => {
    const first = await start(["sleep", "1000"]);
    const adopted = (await room.runtime.adopt(first.id)) as RunningContainer;
    const { signal } = new AbortController();
    const execution = await adopted.exec(sh("echo up; sleep 1000"), { signal });
    await once(execution.stdout, "data");
    execution.stdout.resume();
    const [killed, exit] = await Promise.all([execution.exited, adopted.stop(0)]);
    assert.deepEqual([killed.signal, exit.signal], ["SIGKILL", "SIGKILL"]);
    await room.runtime.tidy();
    assert.equal((await readdir(room.containersDir)).includes(first.id), false);
    await assert.rejects(first.exec(sh("true"), { signal }), {
      name: "UserError",
      message: "Cannot run a command: the container is not running",
    });
  });
});
