import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LocalServer } from "../../deploy/local-server.ts";
import { exec } from "../../server/lib/exec.ts";
import { Project } from "../support/project.ts";
import { median } from "./median.ts";

const rounds = 7;

/**
 * ours_ms: code-only `git push` of an Express app until the router answers with the new code. limit_ms: the same push
 * over OpenSSH into a bare repository, plus the app's own start until it listens.
 */
export async function push(): Promise<{ ours_ms: number; limit_ms: number }> {
  const server = await LocalServer.start();
  const project = await Project.create(server, "speed", "node-express");
  const plain = await PlainGit.start();
  try {
    await project.deploy();
    await exec(["npm", "ci", "--silent", "--prefix", project.directory]);
    const ours: number[] = [];
    const limit: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await changeCode(project, `round-${round}`);
      ours.push(await timed(() => pushUntilServed(server, project, `round-${round}`)));
      const pushed = await timed(() => plain.push(project));
      limit.push(pushed + (await timed(() => bootUntilListening(project))));
    }
    return { ours_ms: median(ours), limit_ms: median(limit) };
  } finally {
    await plain.close();
    await server.close();
    await project.remove();
  }
}

async function changeCode(project: Project, marker: string): Promise<void> {
  const path = join(project.directory, "server.js");
  const source = (await readFile(path, "utf8")).replace(/app\.get\("\/marker".*\n/, "");
  const route = `app.get("/marker", (_request, response) => response.send("${marker}"));`;
  await project.commit({
    ".gitignore": "node_modules\n",
    "server.js": source.replace(/^(const app = express\(\);)$/m, `$1\n${route}`),
  });
}

async function pushUntilServed(server: LocalServer, project: Project, marker: string): Promise<void> {
  await project.deploy();
  while ((await server.fetch("speed.localhost", "/marker")).body !== marker) await delay(2);
}

async function bootUntilListening(project: Project): Promise<void> {
  const port = await freePort();
  const child = spawn(process.execPath, ["server.js"], {
    cwd: project.directory,
    env: { ...process.env, PORT: String(port) },
    stdio: "ignore",
  });
  while (!(await canConnect(port))) await delay(2);
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const connected = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

/** A bare repository behind an OpenSSH server of our own, on loopback. */
class PlainGit {
  readonly #directory: string;
  readonly #port: number;
  readonly #sshd: ChildProcess;

  private constructor(directory: string, port: number, sshd: ChildProcess) {
    this.#directory = directory;
    this.#port = port;
    this.#sshd = sshd;
  }

  static async start(): Promise<PlainGit> {
    const directory = await mkdtemp(join(tmpdir(), "slipway-sshd-"));
    const port = await freePort();
    for (const name of ["host", "client"]) {
      await exec(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(directory, name)]);
    }
    const authorized = join(directory, "authorized_keys");
    await writeFile(authorized, await readFile(join(directory, "client.pub")), { mode: 0o600 });
    await chmod(directory, 0o700);
    await exec(["git", "init", "--quiet", "--bare", join(directory, "app.git")]);
    // sshd wants its privilege separation folder, which a package's service would make (sshd(8)).
    await mkdir("/run/sshd", { recursive: true });
    const options = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(directory, "host")}`,
      `AuthorizedKeysFile ${authorized}`,
      "PidFile none",
      "UsePAM no",
      "StrictModes no",
      "PermitRootLogin prohibit-password",
    ];
    const sshd = spawn(
      "/usr/sbin/sshd",
      ["-D", "-f", "/dev/null", ...options.flatMap((option) => ["-o", option])],
      {
        stdio: "ignore",
      },
    );
    while (!(await canConnect(port))) await delay(10);
    return new PlainGit(directory, port, sshd);
  }

  async push(project: Project): Promise<void> {
    const ssh = [
      "ssh",
      "-F",
      "none",
      "-i",
      join(this.#directory, "client"),
      "-o",
      "StrictHostKeyChecking=no",
    ];
    const quiet = ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes"];
    const url = `ssh://root@127.0.0.1:${this.#port}${join(this.#directory, "app.git")}`;
    await exec(["git", "push", "--quiet", url, "main"], {
      cwd: project.directory,
      env: { ...process.env, GIT_SSH_COMMAND: [...ssh, ...quiet].join(" ") },
    });
  }

  async close(): Promise<void> {
    const gone = once(this.#sshd, "exit");
    this.#sshd.kill("SIGTERM");
    await gone;
    await rm(this.#directory, { recursive: true, force: true });
  }
}
