import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import ssh2 from "ssh2";
import { exec } from "../../server/lib/exec.ts";
import { loadHostKey } from "../../server/ssh/host-key.ts";
import { SshDoorFixture } from "../support/ssh-door.ts";
import { until } from "../support/until.ts";

const host = "anybody@127.0.0.1";

describe("ssh door", () => {
  let door: SshDoorFixture;

  before(async () => {
    door = await SshDoorFixture.open();
    await door.makeKey("ada", "admin");
    door.slipway.deploy("blog");
  });

  after(() => door.close());

  it("runs commands for any user name, with both outputs and the exit status", async () => {
    assert.deepEqual(await door.ssh("ada", [host, "apps:list"]), {
      code: 0,
      stdout: "=====> My Apps\nblog\n",
      stderr: "",
    });
    assert.deepEqual(await door.ssh("ada", ["dokku@127.0.0.1", "--", "apps:exists", "none"]), {
      code: 20,
      stdout: "",
      stderr: " !     App none does not exist\n",
    });
  });

  for (const [type, name] of [
    ["ecdsa", "grace"],
    ["rsa", "alan"],
  ] as const) {
    it(`lets ${type} keys in`, async () => {
      await door.makeKey(name, "deploy", type);
      assert.deepEqual(await door.ssh(name, [host, "apps:list"]), {
        code: 0,
        stdout: "",
        stderr: " !     You haven't deployed any applications yet\n",
      });
    });
  }

  it("hands on standard input to its end, and gives it all back", async () => {
    const publicKey =
      (await door.makeKey("bob", null), await readFile(join(door.directory, "bob.pub"), "utf8"));
    const added = await door.ssh("ada", [host, "ssh-keys:add", "bob"], publicKey);
    const shown = await exec(["ssh-keygen", "-l", "-f", join(door.directory, "bob.pub")]);
    assert.deepEqual(added, { code: 0, stdout: `${shown.split(" ")[1]}\n`, stderr: "" });

    // More than all windows and buffers between hold.
    const much = "0123456789abcdef".repeat(500_000);
    const given = await door.ssh("ada", [host, "test:cat", "7"], much);
    assert.equal(given.code, 7);
    assert.ok(given.stdout === much, `${given.stdout.length} characters came back`);
  });

  it("serves several channels of one connection at once", async () => {
    const socket = join(door.directory, "master");
    const master = door.spawn("ada", ["-M", "-S", socket, "-N", host]);
    try {
      await until(async () => (await door.ssh("ada", ["-S", socket, "-O", "check", host])).code === 0);
      // The first one stays open while the others run.
      const waiting = door.spawn("ada", ["-S", socket, host, "test:cat", "3"]);
      const echoed = once(waiting.stdout!, "data");
      waiting.stdin!.write("still here");
      assert.equal(String(await echoed), "still here");
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          door.ssh("ada", ["-S", socket, host, "test:cat", String(index)], `input ${index}`),
        ),
      );
      assert.deepEqual(
        answers.map(({ code, stdout }) => [code, stdout]),
        answers.map((_, index) => [index, `input ${index}`]),
      );
      waiting.stdin!.end();
      assert.deepEqual(await once(waiting, "close"), [3, null]);
    } finally {
      master.kill();
      await once(master, "close");
    }
  });

  it("refuses a removed key on a connection that is still open", async () => {
    const key = await door.makeKey("carol", "admin");
    const socket = join(door.directory, "carol-master");
    const master = door.spawn("carol", ["-M", "-S", socket, "-N", host]);
    try {
      await until(async () => (await door.ssh("carol", ["-S", socket, "-O", "check", host])).code === 0);
      door.slipway.state.keys.remove(key!.id);
      assert.deepEqual(await door.ssh("carol", ["-S", socket, host, "apps:list"]), {
        code: 1,
        stdout: "",
        stderr: " !     Access denied\n",
      });
    } finally {
      master.kill();
      await once(master, "close");
    }
    assert.equal((await door.ssh("carol", [host, "apps:list"])).code, 255);
  });

  it("refuses unknown keys, and never offers passwords", async () => {
    await door.makeKey("mallory", null);
    const unknown = await door.ssh("mallory", [host, "apps:list"]);
    assert.equal(unknown.code, 255);
    assert.match(unknown.stderr, /Permission denied \(publickey\)/);
    const methods = "PreferredAuthentications=password,keyboard-interactive,hostbased";
    const password = await door.ssh("ada", ["-o", methods, host, "apps:list"]);
    assert.equal(password.code, 255);
    assert.match(password.stderr, /Permission denied \(publickey\)/);
  });

  it("refuses a known key with a signature that is not its own", async () => {
    await door.makeKey("thief", null);
    const own = parse(await readFile(join(door.directory, "thief"), "utf8"));
    const known = parse(await readFile(join(door.directory, "ada.pub"), "utf8"));
    class Agent extends ssh2.BaseAgent {
      override getIdentities(done: (error: undefined, keys: ssh2.ParsedKey[]) => void): void {
        done(undefined, [known]);
      }
      override sign(_key: unknown, data: Buffer, ...rest: unknown[]): void {
        const done = rest.at(-1) as (error: undefined, signature: Buffer) => void;
        done(undefined, own.sign(data));
      }
    }
    const client = new ssh2.Client();
    const outcome = new Promise<string>((resolve) => {
      client.once("ready", () => resolve("signed in")).once("error", (error) => resolve(error.message));
    });
    client.connect({
      host: "127.0.0.1",
      port: door.port,
      username: "x",
      agent: new Agent() as unknown as ssh2.BaseAgent,
    });
    assert.match(await outcome, /authentication methods failed/);
    client.end();
  });

  it("has no use but commands: no forwarding, no subsystem", async () => {
    assert.notEqual((await door.ssh("ada", ["-W", "127.0.0.1:22", host])).code, 0);
    assert.notEqual((await door.ssh("ada", ["-s", host, "sftp"])).code, 0);
    const forward = ["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22", host, "apps:list"];
    assert.equal((await door.ssh("ada", forward)).code, 255);
  });

  it("answers a shell with help", async () => {
    const { code, stdout } = await door.ssh("ada", ["-T", host]);
    assert.equal(code, 0);
    assert.match(stdout, /^ {4}apps +Manage apps$/m);
  });

  it("lets only GIT_PROTOCOL of the client's variables through", async () => {
    const set = ["-o", "SetEnv=GIT_PROTOCOL=version=2 LD_PRELOAD=/evil.so"];
    const { stderr } = await door.ssh("ada", [...set, host, "test:cat", "0"]);
    assert.equal(stderr, 'env {"GIT_PROTOCOL":"version=2"}\n');
  });

  it("ends what only the client waited for when it goes away", async () => {
    const before = door.slipway.asked.length;
    const client = door.spawn("ada", [host, "logs", "blog", "-t"]);
    await until(async () => door.slipway.asked.length > before);
    client.kill("SIGKILL");
    await until(async () => door.slipway.asked.slice(before).includes("logs ended"));
  });

  it("ends it too when only its channel is closed", async () => {
    const before = door.slipway.asked.length;
    const client = new ssh2.Client();
    const privateKey = await readFile(join(door.directory, "ada"));
    client.connect({ host: "127.0.0.1", port: door.port, username: "x", privateKey });
    await once(client, "ready");
    client.exec("logs blog -t", (_error, channel) => {
      void until(async () => door.slipway.asked.length > before).then(() => channel.close());
    });
    await until(async () => door.slipway.asked.slice(before).includes("logs ended"));
    client.end();
  });

  describe("with a terminal", () => {
    it("asks and takes the answer as it was edited, each line with a carriage return", async () => {
      door.slipway.deploy("doomed");
      const client = door.spawn("ada", ["-tt", host, "apps:destroy", "doomed"]);
      let shown = "";
      client.stdout!.on("data", (chunk: Buffer) => (shown += chunk.toString()));
      await until(async () => shown.endsWith("> "));
      client.stdin!.write("doomedx\u007f\r");
      const [code] = (await once(client, "close")) as [number];
      assert.equal(code, 0);
      assert.match(shown, /^ !     WARNING: Potentially Destructive Action\r\n/);
      assert.ok(shown.includes("> doomedx\b \b\r\n-----> Destroying doomed"), shown);
      assert.equal(door.slipway.state.apps.find("doomed"), null);
    });

    it("ends a command by Ctrl-C", async () => {
      const before = door.slipway.asked.length;
      const client = door.spawn("ada", ["-tt", host, "logs", "blog", "-t"]);
      await until(async () => door.slipway.asked.length > before);
      client.stdin!.write("\u0003");
      const [code] = (await once(client, "close")) as [number];
      assert.equal(code, 0);
      assert.equal(door.slipway.asked.at(-1), "logs ended");
    });
  });

  it("keeps its host key for itself and for ever", async () => {
    const path = join(door.directory, "host_key");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.match(await exec(["ssh-keygen", "-y", "-f", path]), /^ssh-ed25519 AAAA/);
    assert.equal(await loadHostKey(path), await readFile(path, "utf8"));
  });
});

describe("ssh door's limits", () => {
  it("close who does not sign in, and refuse one client too many", async () => {
    const door = await SshDoorFixture.open({ signInTimeoutMs: 100, connectionsPerAddress: 1 });
    try {
      const silent = connect(door.port, "127.0.0.1");
      await once(silent, "data");
      const second = connect(door.port, "127.0.0.1");
      second.on("error", () => {});
      let said = "";
      second.on("data", (chunk: Buffer) => (said += chunk.toString()));
      await once(second, "close");
      assert.equal(said, "");
      if (!silent.closed) await once(silent, "close");
    } finally {
      await door.close();
    }
  });

  it("close an idle connection, but not one that still runs something", async () => {
    const door = await SshDoorFixture.open({ idleTimeoutMs: 100 });
    try {
      await door.makeKey("ada", "admin");
      const busy = door.spawn("ada", [host, "test:cat", "5"]);
      await once(busy.stderr!, "data");
      const idle = door.spawn("ada", ["-N", host]);
      await once(idle, "close");
      busy.stdin!.end("done");
      assert.deepEqual(await once(busy, "close"), [5, null]);
    } finally {
      await door.close();
    }
  });
});

function parse(text: string): ssh2.ParsedKey {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key;
}
