import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { App } from "../model/app.ts";
import type { ContainerRuntime, OutputLine } from "../model/container.ts";
import { UserError } from "../model/error.ts";
import type { Digest, Image, Stack } from "../model/image.ts";
import { BuildCache } from "./build-cache.ts";
import { readUnmet, writePlan } from "./buildpack-files.ts";
import { BuildpackLayers, type LayerStore } from "./buildpack-layers.ts";
import { folderName, loadBuildpackGroups, type Buildpack } from "./buildpack.ts";
import { detect } from "./detect.ts";
import { operatorEnvironment } from "./operator-environment.ts";
import type { PlanEntry, ResolvedPlan } from "./plan.ts";
import { describeProcesses, readProcfile } from "./processes.ts";
import { stepEnvironment, type EnvironmentSources } from "./step-environment.ts";
import { buildMinutes, runStep, type BuildContext } from "./step.ts";
import { buildpackDirectory, inside, Workspace } from "./workspace.ts";

export interface BuilderOptions {
  readonly runtime: ContainerRuntime;
  readonly images: LayerStore;
  readonly stack: Stack;
  /** A folder for each buildpack, and order.toml with the groups to try. */
  readonly buildpacksDir: string;
  /** Scratch, on the file system of the image store. */
  readonly buildsDir: string;
  /** A folder for each app, on the file system of the image store. */
  readonly cachesDir: string;
}

export interface BuildRequest {
  readonly app: Pick<App, "id" | "name" | "idBase">;
  /** The source tree, on the file system of the image store; it is moved away, into the image if all goes well. */
  readonly sourceDir: string;
  /** The app's config vars. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onLine: (line: OutputLine) => void;
}

/** Builds apps with Cloud Native Buildpacks, every step in a container of its own. */
export class Builder {
  readonly #options: BuilderOptions;

  constructor(options: BuilderOptions) {
    this.#options = options;
  }

  /**
   * Turns a source tree into a stored image. Callers see to it that an app has one build at a time.
   * Throws a UserError that names the cause when the app cannot be built.
   */
  async build(request: BuildRequest): Promise<Image> {
    const { buildsDir } = this.#options;
    const procfile = await readProcfile(request.sourceDir);
    const operator = await operatorEnvironment();
    const workspace = await Workspace.create(buildsDir, request.sourceDir, request.env, operator.npmrc);
    try {
      const build = new Build(this.#options, request, workspace, operator.variables);
      return await build.run(procfile);
    } finally {
      await workspace.remove();
    }
  }
}

/** One build on its way through the phases of the lifecycle: detect, restore, build, export. */
class Build {
  readonly #options: BuilderOptions;
  readonly #request: BuildRequest;
  readonly #workspace: Workspace;
  readonly #context: BuildContext;
  readonly #environment: EnvironmentSources;
  /** Layers of the buildpacks that have begun, in order. */
  readonly #begun: BuildpackLayers[] = [];

  constructor(
    options: BuilderOptions,
    request: BuildRequest,
    workspace: Workspace,
    operator: Readonly<Record<string, string>>,
  ) {
    const { runtime, stack } = options;
    const { app, signal, env } = request;
    this.#options = options;
    this.#request = request;
    this.#workspace = workspace;
    this.#context = { runtime, stack, app, signal, deadline: Date.now() + buildMinutes * 60_000 };
    this.#environment = { stack, operator, config: env };
  }

  async run(procfile: ReadonlyMap<string, string>): Promise<Image> {
    const { cachesDir, stack } = this.#options;
    const plan = await this.#detect();
    const cache = await BuildCache.open(join(cachesDir, String(this.#request.app.id)), stack.version);
    const image = await this.#buildAll(plan, cache, procfile).catch(async (error: unknown) => {
      for (const layers of this.#begun) await layers.giveBackCached();
      throw error;
    });
    const records = new Map<Buildpack, Awaited<ReturnType<BuildpackLayers["record"]>>>();
    for (const layers of this.#begun) {
      await layers.keepCached();
      records.set(layers.buildpack, await layers.record());
    }
    await cache.replace(records);
    return image;
  }

  async #detect(): Promise<ResolvedPlan<Buildpack>> {
    const groups = await loadBuildpackGroups(this.#options.buildpacksDir);
    const plan = await detect(this.#context, this.#workspace, groups, (buildpack) =>
      stepEnvironment(this.#environment, buildpack, []),
    );
    this.#say(`-----> ${plan.elements[0]!.name} app detected`);
    return plan;
  }

  async #buildAll(
    { elements, entries }: ResolvedPlan<Buildpack>,
    cache: BuildCache,
    procfile: ReadonlyMap<string, string>,
  ): Promise<Image> {
    const { images, stack, cachesDir } = this.#options;
    const shared = await BuildCache.open(join(cachesDir, "shared"), stack.version);
    let open = entries;
    for (const buildpack of elements) {
      const previous = cache.record(buildpack) ?? (buildpack.sharedLayers ? shared.record(buildpack) : null);
      const layers = new BuildpackLayers(buildpack, this.#workspace, images, cache, previous);
      const earlier = [...this.#begun];
      this.#begun.push(layers);
      await layers.restore();
      open = await this.#buildOne(layers, earlier, open);
      await layers.collect(this.#context);
      if (!buildpack.sharedLayers) continue;
      // At once, so that other apps, and this one when a later step fails, need not make them again.
      await layers.store();
      await shared.update(buildpack, await layers.record());
    }
    return await this.#export(procfile);
  }

  /** Runs bin/build; returns the plan entries that are left for later buildpacks. */
  async #buildOne(
    layers: BuildpackLayers,
    earlier: readonly BuildpackLayers[],
    entries: readonly PlanEntry<Buildpack>[],
  ): Promise<readonly PlanEntry<Buildpack>[]> {
    const { buildpack } = layers;
    const mine = entries.filter(({ providers }) => providers.includes(buildpack));
    await this.#workspace.writePlan(buildpack, writePlan(mine.flatMap(({ requires }) => requires)));
    const layersDirectory = join(inside.layers, folderName(buildpack));
    const plan = `${inside.plan}/plan.toml`;
    const title = `${buildpack.name} buildpack`;
    const { code, reason } = await runStep(this.#context, {
      name: "build",
      title,
      argv: [`${buildpackDirectory(buildpack)}/bin/build`, layersDirectory, inside.platform, plan],
      env: {
        ...(await stepEnvironment(this.#environment, buildpack, earlier)),
        CNB_LAYERS_DIR: layersDirectory,
        CNB_BP_PLAN_PATH: plan,
      },
      mounts: [
        ...this.#workspace.stepMounts(buildpack, false),
        ...[...earlier, layers].map(({ mount }) => mount),
      ],
      network: true,
      onLine: this.#request.onLine,
    });
    if (code !== 0) throw new UserError(reason || `${title} failed in bin/build: exit status ${code}`);
    const unmet = readUnmet(await layers.readFile("build.toml"));
    return entries.filter((entry) => !mine.includes(entry) || unmet.includes(entry.name));
  }

  async #export(procfile: ReadonlyMap<string, string>): Promise<Image> {
    const { images, stack } = this.#options;
    for (const layers of this.#begun) await layers.store();
    const processes = await describeProcesses(procfile, this.#begun);
    if (Object.keys(processes).length === 0)
      throw new UserError(
        "Nothing says how to start this app; add a Procfile with a line such as web: node server.js",
      );
    const layers = this.#begun.flatMap((each) => each.imageLayers());
    return await images.addImage({
      stack: stack.name,
      layers: [...layers, await this.#storeApp()],
      processes,
    });
  }

  async #storeApp(): Promise<Digest> {
    const staging = await this.#workspace.makeStaging();
    await rename(this.#workspace.app, join(staging, inside.app));
    return await this.#options.images.addLayer(staging);
  }

  #say(text: string): void {
    this.#request.onLine({ stream: "stdout", text });
  }
}
