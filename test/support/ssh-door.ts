import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { defineRawCommand } from "../../server/commands/command.ts";
import { exec } from "../../server/lib/exec.ts";
import type { Key, Role } from "../../server/model/key.ts";
import { parsePublicKey } from "../../server/model/public-key.ts";
import { loadHostKey } from "../../server/ssh/host-key.ts";
import { createSshServer, type SshLimits, type SshServer } from "../../server/ssh/server.ts";
import { CommandLineFixture, type Ran } from "./command-line.ts";

/** Gives back what it reads: shows what becomes of streams. */
const cat = defineRawCommand({
  name: "test:cat",
  summary: "",
  role: "deploy",
  effect: "read",
  args: { status: { kind: "word", label: "status" } },
  flags: {},
  examples: [],
  async run(ctx, { status }) {
    ctx.stderr.write(`env ${JSON.stringify(ctx.env)}\n`);
    await pipeline(ctx.stdin, ctx.stdout, { end: false });
    return Number(status);
  },
});

/** The real SSH door with the commands behind it, and OpenSSH's client to knock on it. */
export class SshDoorFixture {
  readonly slipway: CommandLineFixture;
  readonly directory: string;
  readonly #server: SshServer;
  #port = 0;

  private constructor(slipway: CommandLineFixture, directory: string, server: SshServer) {
    this.slipway = slipway;
    this.directory = directory;
    this.#server = server;
  }

  static async open(limits: Partial<SshLimits> = {}): Promise<SshDoorFixture> {
    const slipway = await CommandLineFixture.open([], [cat]);
    const directory = await mkdtemp(join(tmpdir(), "slipway-ssh-"));
    const server = createSshServer({
      address: "127.0.0.1",
      port: 0,
      hostKey: await loadHostKey(join(directory, "host_key")),
      keys: slipway.state.keys,
      execute: slipway.execute,
      limits,
    });
    const fixture = new SshDoorFixture(slipway, directory, server);
    fixture.#port = await server.listen();
    return fixture;
  }

  get port(): number {
    return this.#port;
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.slipway.close();
    await rm(this.directory, { recursive: true });
  }

  /** Makes a key pair `directory/NAME` and, with a role, lets it in. */
  async makeKey(name: string, role: Role | null, type = "ed25519"): Promise<Key | null> {
    const path = join(this.directory, name);
    await exec(["ssh-keygen", "-q", "-t", type, "-N", "", "-C", name, "-f", path]);
    if (role === null) return null;
    const key = parsePublicKey(await readFile(`${path}.pub`, "utf8"));
    return this.slipway.state.keys.add({ name, role, ...key });
  }

  spawn(key: string, args: readonly string[]): ChildProcess {
    const options = [
      "IdentitiesOnly=yes",
      "StrictHostKeyChecking=accept-new",
      "LogLevel=ERROR",
      "NumberOfPasswordPrompts=1",
      `UserKnownHostsFile=${join(this.directory, "known_hosts")}`,
    ].flatMap((option) => ["-o", option]);
    const fixed = ["-F", "none", "-i", join(this.directory, key), "-p", String(this.#port)];
    return spawn("ssh", [...fixed, ...options, ...args], { env: { PATH: process.env["PATH"] } });
  }

  /** Runs `ssh ARGS` to its end. */
  async ssh(key: string, args: readonly string[], input: string | Buffer = ""): Promise<Ran> {
    const child = this.spawn(key, args);
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    const [code] = (await once(child, "close")) as [number];
    return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  }
}
