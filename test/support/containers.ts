import { randomBytes } from "node:crypto";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHostStack } from "../../server/image/host-stack.ts";
import type { ContainerExit, ContainerSpec, OutputLine } from "../../server/model/container.ts";
import type { Stack } from "../../server/model/image.ts";
import { openNetwork, type Network } from "../../server/runtime/network.ts";
import { createRuntime, type Runtime, type RuntimeOptions } from "../../server/runtime/runtime.ts";

/** Twice the number of ids that a container has, and far from those that the server gives to apps. */
const idBase = 3_000_000_000;

/** A runtime with a data directory, bridge and rules of its own, on the host stack. */
export class ContainerRoom {
  readonly directory: string;
  readonly runtime: Runtime;
  readonly #network: Network;
  readonly #stack: Stack;

  private constructor(directory: string, runtime: Runtime, network: Network, stack: Stack) {
    this.directory = directory;
    this.runtime = runtime;
    this.#network = network;
    this.#stack = stack;
  }

  static async open(options: Omit<RuntimeOptions, "containersDir" | "network"> = {}): Promise<ContainerRoom> {
    const directory = await mkdtemp(join(tmpdir(), "slipway-runtime-"));
    const containersDir = join(directory, "containers");
    await mkdir(containersDir);
    const stack = await openHostStack(join(directory, "stacks"));
    const network = await openNetwork(directory);
    return new ContainerRoom(
      directory,
      createRuntime({ containersDir, network, ...options }),
      network,
      stack,
    );
  }

  get containersDir(): string {
    return join(this.directory, "containers");
  }

  /** A container of the host stack that runs `argv`; `change` replaces parts. */
  spec(argv: readonly string[], change: Partial<ContainerSpec> = {}): ContainerSpec {
    const id = `test-${randomBytes(4).toString("hex")}`;
    return {
      id,
      hostname: id,
      layers: this.#stack.layers,
      mounts: this.#stack.mounts,
      argv,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
      cwd: "/",
      user: { uid: 1000, gid: 1000 },
      idBase,
      limits: { memoryBytes: 256 * 2 ** 20, cpuShares: 1024, cpus: null, pids: 64, openFiles: 1024 },
      network: false,
      ...change,
    };
  }

  /** Runs to the end and returns how it ended and what it said. */
  async run(
    argv: readonly string[],
    change: Partial<ContainerSpec> = {},
  ): Promise<ContainerExit & { stdout: string; stderr: string }> {
    const lines: OutputLine[] = [];
    const exit = await this.runtime.run(this.spec(argv, change), {
      onLine: (line) => lines.push(line),
      signal: new AbortController().signal,
      timeoutMs: 60_000,
    });
    const textOf = (stream: OutputLine["stream"]) =>
      lines
        .filter((line) => line.stream === stream)
        .map((line) => line.text)
        .join("\n");
    return { ...exit, stdout: textOf("stdout"), stderr: textOf("stderr") };
  }

  /** Runs a shell script. */
  sh(script: string, change: Partial<ContainerSpec> = {}) {
    return this.run(["/bin/sh", "-c", script], change);
  }

  async close(): Promise<void> {
    await this.runtime.removeAllBut(new Set());
    await this.runtime.close();
    await this.#network.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
