import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "../server/lib/exec.ts";
import { packageRoot } from "../server/paths.ts";

export interface Addresses {
  readonly sshPort: number;
  readonly httpPort: number;
  readonly dashboardPort: number;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/**
 * A real Slipway of its own on this machine: a temporary data directory, free ports on loopback, a fresh administrator's
 * key. For the demo, the tests and the benchmarks. `close` leaves nothing of it behind.
 */
export class LocalServer {
  readonly directory: string;
  readonly #flags: readonly string[];
  #child: ChildProcess | null = null;
  #addresses: Addresses = { sshPort: 0, httpPort: 0, dashboardPort: 0 };

  private constructor(directory: string, flags: readonly string[]) {
    this.directory = directory;
    this.#flags = flags;
  }

  /** `flags` are added to the server's command line. */
  static async start(flags: readonly string[] = []): Promise<LocalServer> {
    const server = new LocalServer(await mkdtemp(join(tmpdir(), "slipway-")), flags);
    try {
      await server.createKey("admin");
      await server.run();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get addresses(): Addresses {
    return this.#addresses;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get dataDir(): string {
    return join(this.directory, "data");
  }

  /** What the server wrote to its own log. */
  async serverLog(): Promise<string> {
    return await readFile(join(this.directory, "server.log"), "utf8");
  }

  /** Makes a key pair `directory/NAME`; returns the public half's path. */
  async createKey(name: string): Promise<string> {
    const path = join(this.directory, name);
    await exec(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path]);
    return `${path}.pub`;
  }

  /** Starts the server, again on the ports that it had. */
  async run(): Promise<void> {
    const { sshPort, httpPort, dashboardPort } = this.#addresses;
    const output = await open(join(this.directory, "server.log"), "a");
    const args = [
      ["--data-dir", this.dataDir, "--address", "127.0.0.1", "--ephemeral"],
      ["--admin-key", join(this.directory, "admin.pub")],
      [
        "--ssh-port",
        String(sshPort),
        "--http-port",
        String(httpPort),
        "--dashboard-port",
        String(dashboardPort),
      ],
      this.#flags,
    ].flat();
    // Of its own session, so that a Ctrl-C reaches only us and the server is closed in order.
    this.#child = fork(join(packageRoot, "dist/server/main.js"), args, {
      detached: true,
      stdio: ["ignore", output.fd, output.fd, "ipc"],
    });
    await output.close();
    const started = once(this.#child, "message");
    const died = once(this.#child, "exit").then(async ([code]) => {
      throw new Error(`Slipway did not start (exit ${code}):\n${await this.serverLog()}`);
    });
    const [message] = (await Promise.race([started, died])) as [{ listening: Addresses }];
    died.catch(() => {});
    this.#addresses = message.listening;
  }

  /** Ends the server at once, as a crash would; its apps and its router go on. */
  async crash(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  async close(): Promise<void> {
    // After a crash only a running server can clean up what it left.
    if (this.#child === null && this.#addresses.sshPort !== 0) await this.run();
    await this.#end("SIGTERM");
    await rm(this.directory, { recursive: true, force: true });
  }

  sshArguments(key = "admin"): string[] {
    const identity = ["-F", "none", "-i", join(this.directory, key), "-p", String(this.#addresses.sshPort)];
    const options = [
      "IdentitiesOnly=yes",
      "StrictHostKeyChecking=accept-new",
      "LogLevel=ERROR",
      `UserKnownHostsFile=${join(this.directory, "known_hosts")}`,
    ];
    return [...identity, ...options.flatMap((option) => ["-o", option])];
  }

  /** Runs `ssh slipway@127.0.0.1 COMMAND`. */
  async ssh(command: string, options: { key?: string; input?: string | Buffer } = {}): Promise<Finished> {
    return await finished(
      spawn("ssh", [...this.sshArguments(options.key), "slipway@127.0.0.1", "--", command]),
      options.input,
    );
  }

  gitUrl(app: string): string {
    return `ssh://slipway@127.0.0.1:${this.#addresses.sshPort}/${app}`;
  }

  /** Runs git in `directory` with a key of this server. */
  async git(directory: string, args: readonly string[], key = "admin"): Promise<Finished> {
    return await finished(this.spawnGit(directory, args, key));
  }

  spawnGit(directory: string, args: readonly string[], key = "admin"): ChildProcess {
    return spawn("git", [...args], {
      cwd: directory,
      env: {
        ...process.env,
        GIT_SSH_COMMAND: ["ssh", ...this.sshArguments(key)].join(" "),
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_TERMINAL_PROMPT: "0",
        GIT_AUTHOR_NAME: "Ada",
        GIT_AUTHOR_EMAIL: "ada@example.com",
        GIT_COMMITTER_NAME: "Ada",
        GIT_COMMITTER_EMAIL: "ada@example.com",
      },
    });
  }

  /** Asks the router for `path` of `host`. */
  async fetch(host: string, path = "/"): Promise<Answer> {
    const asked = request({
      host: "127.0.0.1",
      port: this.#addresses.httpPort,
      path,
      headers: { host },
      agent: false,
    });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: Buffer.concat(chunks).toString(),
    };
  }
}

/** Collects what a child writes until it ends. */
export async function finished(child: ChildProcess, input?: string | Buffer): Promise<Finished> {
  const collected = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (collected.stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (collected.stderr += chunk.toString()));
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...collected };
}
