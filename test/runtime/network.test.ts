import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "../../server/lib/exec.ts";
import type { RunningContainer } from "../../server/model/container.ts";
import type { Upstream } from "../../server/model/route.ts";
import { Dialer } from "../../server/runtime/dial.ts";
import { firewallRules } from "../../server/runtime/firewall.ts";
import { listeningPorts } from "../../server/runtime/listening.ts";
import { openNetwork } from "../../server/runtime/network.ts";
import { ContainerRoom } from "../support/containers.ts";
import { until } from "../support/until.ts";

/** Python that says whether a connection to each address:port comes about. */
const connectTo = `
import socket, sys
for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 0.5).close()
        print("connected")
    except OSError as error:
        print("refused" if isinstance(error, ConnectionRefusedError) else "no way")
`;
const echoServer = `
import socket, threading
listener = socket.create_server(("127.0.0.1", 5000))
everyone = socket.create_server(("", 5001))
threading.Thread(target=everyone.accept).start()
while True:
    connection, _ = listener.accept()
    connection.sendall(b"echo " + connection.recv(100))
    connection.close()
`;

describe("network of a container", () => {
  let room: ContainerRoom;
  let host: Server;
  let port: number;
  let server: RunningContainer;
  before(async () => {
    room = await ContainerRoom.open();
    host = createServer((socket) => socket.end()).listen(0, "0.0.0.0");
    await once(host, "listening");
    port = (host.address() as AddressInfo).port;
    const spec = room.spec(["python3", "-c", echoServer], { network: true });
    server = await room.runtime.start(spec, join(room.directory, "logs/server.log"));
    await until(async () => (await listeningPorts(server.pid)).length === 2);
  });
  after(async () => {
    host.close();
    await server.stop(0);
    await room.close();
  });

  const addressOf = async (container: RunningContainer) => {
    const record = await readFile(join(room.containersDir, container.id, "record.json"), "utf8");
    return (JSON.parse(record) as { address: string }).address;
  };
  const hostAddresses = () =>
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family }) => family === "IPv4")
      .map(({ address }) => address);

  it("without network there is loopback and nothing else", async () => {
    const result = await room.sh("ls /sys/class/net; cat /proc/net/route | tail -n +2");
    assert.equal(result.stdout, "lo");
  });

  it("with network there is an address and a way out", async () => {
    const result = await room.sh(
      "ls /sys/class/net; awk '$2 == \"00000000\" { print $1 }' /proc/net/route; grep -c nameserver /etc/resolv.conf",
      {
        network: true,
      },
    );
    assert.match(result.stdout, /^eth0\nlo\neth0\n[1-9]$/);
  });

  it("reaches the world: a name is resolved by the host's name server", async function () {
    const names = await exec(["getent", "hosts", "deb.debian.org"]).catch(() => "");
    if (names === "") this.skip(); // no network on this machine
    const result = await room.run(
      ["python3", "-c", "import socket; print(len(socket.getaddrinfo('deb.debian.org', 80)) > 0)"],
      {
        network: true,
      },
    );
    assert.equal(result.stdout, "True", result.stderr);
  });

  it("cannot reach the host on any of its addresses, nor the metadata address", async () => {
    const targets = [...hostAddresses(), "169.254.169.254"].map((address) => `${address}:${port}`);
    const result = await room.run(["python3", "-c", connectTo, ...targets], { network: true });
    assert.equal(result.stdout.split("\n").length, targets.length);
    // 127.0.0.1 is the container's own, where nobody listens.
    assert.ok(
      result.stdout.split("\n").every((word) => word === "no way" || word === "refused"),
      result.stdout,
    );
    assert.equal(await hostConnections(), 0);
  });
  const hostConnections = () => new Promise((resolve) => host.getConnections((_, count) => resolve(count)));

  it("cannot reach another container, whatever it listens on", async () => {
    const address = await addressOf(server);
    const result = await room.run(["python3", "-c", connectTo, `${address}:5001`, `${address}:5000`], {
      network: true,
    });
    assert.equal(result.stdout, "no way\nno way");
  });

  it("cannot send as another address", async () => {
    const result = await room.sh("/usr/sbin/ip address add 10.223.0.77/22 dev eth0 2>&1", {
      network: true,
      user: { uid: 0, gid: 0 },
    });
    assert.match(result.stdout, /Operation not permitted/);
  });

  it("tells which ports are listened on", async () => {
    assert.deepEqual(await listeningPorts(server.pid), [5000, 5001]);
    assert.deepEqual(await listeningPorts(0x7fffffff), []);
  });

  it("is dialled from outside on its loopback interface", async () => {
    const dialer = new Dialer();
    const upstream: Upstream = {
      id: server.id,
      pid: server.pid,
      pidStartTime: server.pidStartTime,
      port: 5000,
    };
    try {
      const socket = dialer.dial(upstream);
      socket.end("hello");
      const [answer] = (await once(socket, "data")) as [Buffer];
      assert.equal(answer.toString(), "echo hello");
      await once(socket, "close");
      assert.throws(() => dialer.dial({ ...upstream, port: 5999 }), { code: "ECONNREFUSED" });
      assert.throws(() => dialer.dial({ ...upstream, id: "other", pidStartTime: "1" }), { code: "ESRCH" });
      // This process is where it was: what listens on the host is still reached, and only from here.
      assert.ok(
        existsSync(`/sys/class/net/${Object.keys(networkInterfaces()).find((name) => name !== "lo")}`),
      );
    } finally {
      dialer.forget(server.id);
      dialer.forget("other");
    }
  });

  it("is found again by a restarted server, kept apart from that of another, and removed whole", async () => {
    const owners = await Promise.all(["a", "b"].map((name) => mkdtemp(join(tmpdir(), `slipway-${name}-`))));
    const [first, second] = [await openNetwork(owners[0]!), await openNetwork(owners[1]!)];
    assert.notEqual(first.bridge, second.bridge);
    assert.equal((await openNetwork(owners[0]!)).bridge, first.bridge);
    const taken = first.attach();
    assert.notEqual(first.attach().address, taken.address);
    await first.close();
    await second.close();
    for (const { bridge } of [first, second]) {
      assert.equal(existsSync(`/sys/class/net/${bridge}`), false);
      await assert.rejects(exec(["nft", "list", "table", "inet", bridge]));
    }
    await Promise.all(owners.map((owner) => rm(owner, { recursive: true })));
  });

  it("has rules that nft accepts for every kind of name server", async () => {
    const common = { bridge: "slipway99", gateway: "10.223.252.1", subnet: "10.223.252.0/22" };
    for (const [nameservers, relayed] of [
      [[], undefined],
      [["192.0.2.1", "192.0.2.1", "192.0.2.3"], undefined],
      [["127.0.0.53"], "127.0.0.53"],
    ] as const) {
      await exec(["nft", "--check", "-f", "-"], {
        input: firewallRules({ ...common, nameservers, relayed }),
      });
    }
  });
});
