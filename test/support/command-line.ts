import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { AnyCommand } from "../../server/commands/command.ts";
import { createExecuteLine, type ExecuteLine } from "../../server/commands/execute.ts";
import { commands } from "../../server/commands/registry.ts";
import type { Key, Role } from "../../server/model/key.ts";
import type { LogLine } from "../../server/model/log-line.ts";
import { packageRoot } from "../../server/paths.ts";
import { openState, type State } from "../../server/state/state.ts";
import { operationsInMemory } from "./operations-in-memory.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Every command on a real state in a temporary folder; nothing is deployed. Its administrator is "admin". */
export class CommandLineFixture {
  readonly state: State;
  readonly execute: ExecuteLine;
  /** What the operations were asked for. */
  readonly asked: readonly string[];
  readonly admin: Key;
  readonly #directory: string;

  private constructor(directory: string, state: State, logLines: readonly LogLine[], extra: AnyCommand[]) {
    this.#directory = directory;
    this.state = state;
    const { operations, asked } = operationsInMemory(state, logLines);
    this.asked = asked;
    this.admin = this.addKey("admin", "admin");
    this.execute = createExecuteLine({
      commands: [...commands, ...extra],
      state,
      operations,
      settings: { version: "1.2.3", domain: "example.com", dashboardUrl: () => "http://example.com:8000" },
      record: (event) => void state.events.add(event),
    });
  }

  static async open(
    logLines: readonly LogLine[] = [],
    extra: AnyCommand[] = [],
  ): Promise<CommandLineFixture> {
    const directory = await mkdtemp(join(tmpdir(), "slipway-commands-"));
    const state = await openState({
      database: join(directory, "slipway.db"),
      secretKey: join(directory, "secret.key"),
      migrations: join(packageRoot, "server/state/migrations"),
    });
    return new CommandLineFixture(directory, state, logLines, extra);
  }

  async close(): Promise<void> {
    this.state.close();
    await rm(this.#directory, { recursive: true });
  }

  addKey(name: string, role: Role): Key {
    return this.state.keys.add({
      name,
      role,
      publicKey: `test ${name}`,
      fingerprint: `SHA256:${name}`,
    });
  }

  /** Makes an app that counts as deployed, and returns its id. */
  deploy(name: string): number {
    const { id } = this.state.apps.find(name) ?? this.state.apps.create(name);
    const release = this.state.releases.create({
      appId: id,
      source: "push",
      author: "admin",
      commit: "c0ffee00c0ffee00",
      imageDigest: "sha256:0",
    });
    this.state.releases.succeed(release.id);
    return id;
  }

  async run(line: string, options: { actor?: Key; input?: string; signal?: AbortSignal } = {}): Promise<Ran> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const outputs = Promise.all([text(stdout), text(stderr)]);
    const code = await this.execute({
      actor: options.actor ?? this.admin,
      text: line,
      stdin: Readable.from(options.input === undefined ? [] : [Buffer.from(options.input)]),
      stdout,
      stderr,
      env: {},
      signal: options.signal ?? new AbortController().signal,
    });
    stdout.end();
    stderr.end();
    const [out, err] = await outputs;
    return { code, stdout: out, stderr: err };
  }
}
