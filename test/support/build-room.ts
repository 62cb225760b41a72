import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Builder } from "../../server/build/builder.ts";
import { openHostStack } from "../../server/image/host-stack.ts";
import { ImageStore } from "../../server/image/store.ts";
import type { ContainerRuntime } from "../../server/model/container.ts";
import type { Image, Stack } from "../../server/model/image.ts";
import { packageRoot } from "../../server/paths.ts";
import { openNetwork, type Network } from "../../server/runtime/network.ts";
import { createRuntime, type Runtime } from "../../server/runtime/runtime.ts";

const idBase = 1_000_000;

export interface Built {
  readonly image: Image;
  readonly lines: readonly string[];
}

/** A builder with a real runtime, store and stack in a folder of its own, for tests that build apps. */
export class BuildRoom {
  readonly directory: string;
  readonly images: ImageStore;
  readonly stack: Stack;
  readonly runtime: Runtime;
  readonly #network: Network;
  #sources = 0;

  private constructor(
    directory: string,
    images: ImageStore,
    stack: Stack,
    runtime: Runtime,
    network: Network,
  ) {
    this.directory = directory;
    this.images = images;
    this.stack = stack;
    this.runtime = runtime;
    this.#network = network;
  }

  static async open(): Promise<BuildRoom> {
    const directory = await mkdtemp(join(tmpdir(), "slipway-build-"));
    const containersDir = join(directory, "containers");
    await mkdir(containersDir);
    const images = await ImageStore.open(join(directory, "images"));
    const stack = await openHostStack(join(directory, "stacks"));
    const network = await openNetwork(directory);
    return new BuildRoom(directory, images, stack, createRuntime({ containersDir, network }), network);
  }

  builder(
    buildpacksDir = join(packageRoot, "buildpacks"),
    runtime: ContainerRuntime = this.runtime,
    stack = this.stack,
  ): Builder {
    return new Builder({
      runtime,
      images: this.images,
      stack,
      buildpacksDir,
      buildsDir: join(this.directory, "builds"),
      cachesDir: join(this.directory, "caches"),
    });
  }

  /** A copy of a folder of test/fixtures/apps, with some files written over it. */
  async sample(name: string | null, files: Readonly<Record<string, string>> = {}): Promise<string> {
    const source = join(this.directory, `source-${this.#sources++}`);
    await mkdir(source);
    if (name !== null) await cp(join(packageRoot, "test/fixtures/apps", name), source, { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(source, file)), { recursive: true });
      await writeFile(join(source, file), content);
    }
    return source;
  }

  /** Builds a source tree as the app with this id; what the build says is added to `lines`. */
  async build(
    builder: Builder,
    id: number,
    sourceDir: string,
    { env = {}, signal = new AbortController().signal, lines = [] as string[] } = {},
  ): Promise<Built> {
    const image = await builder.build({
      app: { id, name: `app-${id}`, idBase },
      sourceDir,
      env,
      signal,
      onLine: ({ text }) => lines.push(text),
    });
    return { image, lines };
  }

  /** Runs a command in a container of the image, as the app's user, and returns what it wrote. */
  async run(image: Image, argv: readonly string[], type = "web"): Promise<string> {
    const lines: string[] = [];
    const command = image.processes[type];
    const exit = await this.runtime.run(
      {
        id: `run-${this.#sources++}-${process.pid}`,
        hostname: "run",
        layers: [...this.stack.layers, ...image.layers.map((digest) => this.images.layerPath(digest))],
        mounts: this.stack.mounts,
        argv,
        env: command?.env ?? { PATH: "/usr/bin:/bin" },
        cwd: "/app",
        user: { uid: 1000, gid: 1000 },
        idBase,
        limits: { memoryBytes: 512 * 1024 * 1024, cpuShares: 1024, cpus: null, pids: 256, openFiles: 1024 },
        network: false,
      },
      {
        onLine: ({ text }) => lines.push(text),
        signal: new AbortController().signal,
        timeoutMs: 60_000,
      },
    );
    if (exit.code !== 0) throw new Error(`${argv.join(" ")}: exit ${exit.code}: ${lines.join("\n")}`);
    return lines.join("\n");
  }

  async close(): Promise<void> {
    await this.runtime.close();
    await this.#network.close();
    await rm(this.directory, { recursive: true });
  }
}
