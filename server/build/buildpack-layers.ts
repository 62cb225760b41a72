import { chmod, lstat, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Mount } from "../model/container.ts";
import { UserError } from "../model/error.ts";
import type { Digest, Image } from "../model/image.ts";
import type { BuildCache, BuildpackRecord, LayerRecord } from "./build-cache.ts";
import { parseBuildpackFile, readLayerFile, writeMetadata, type LayerFile } from "./buildpack-files.ts";
import { folderName, type Buildpack } from "./buildpack.ts";
import type { PlacedLayer } from "./layer-environment.ts";
import { runStep, type BuildContext } from "./step.ts";
import { listFolder, readUntrusted } from "./untrusted-files.ts";
import { inside, writeAsApp, type Workspace } from "./workspace.ts";

/** What builds need of the image store. */
export interface LayerStore {
  addLayer(directory: string): Promise<Digest>;
  layerPath(digest: Digest): string;
  claimLayer(digest: Digest): boolean;
  addImage(image: Pick<Image, "stack" | "layers" | "processes">): Promise<Image>;
}

interface Layer {
  readonly name: string;
  readonly file: LayerFile;
  /** The content on the host; null when the buildpack left none. */
  readonly path: string | null;
  /** In the store; null before it is stored and for layers of no image. */
  readonly digest: Digest | null;
}

const notLayers = new Set(["launch", "build", "store"]);

/**
 * The layers of one buildpack during one build (buildpack spec, "Layer Types"). Restored layers of images lie read-only
 * under what is written: one that the buildpack leaves alone keeps its digest and costs nothing.
 */
export class BuildpackLayers {
  readonly buildpack: Buildpack;
  readonly #workspace: Workspace;
  readonly #images: LayerStore;
  readonly #cache: BuildCache;
  readonly #previous: BuildpackRecord;
  /** Content that lies in the store. */
  readonly #lower = new Map<string, Digest>();
  /** Restored with content, moved out of the cache. */
  readonly #taken = new Set<string>();
  #layers: Layer[] = [];

  constructor(
    buildpack: Buildpack,
    workspace: Workspace,
    images: LayerStore,
    cache: BuildCache,
    previous: BuildpackRecord | null,
  ) {
    this.buildpack = buildpack;
    this.#workspace = workspace;
    this.#images = images;
    this.#cache = cache;
    this.#previous = previous ?? { layers: {}, store: null };
  }

  /** Puts the layers of the previous build where bin/build finds them. */
  async restore(): Promise<void> {
    await this.#workspace.makeLayersFolder(this.buildpack);
    const { layers, store } = this.#previous;
    if (store !== null) await writeAsApp(join(this.#upper, "store.toml"), store);
    for (const [name, record] of Object.entries(layers)) {
      if (await this.#restoreLayer(name, record))
        await writeAsApp(join(this.#upper, `${name}.toml`), record.metadata);
    }
  }

  async #restoreLayer(name: string, { launch, build, cache, digest }: LayerRecord): Promise<boolean> {
    if (cache && !launch) {
      const taken = await this.#cache.take(this.buildpack, name, join(this.#upper, name));
      if (taken) this.#taken.add(name);
      return taken;
    }
    if (digest === null || !this.#images.claimLayer(digest)) return false;
    if (cache) this.#lower.set(name, digest);
    return cache || !build;
  }

  get mount(): Mount {
    const restored = [...this.#lower].map(([name, digest]) => join(this.#storedPath(name, digest), ".."));
    return this.#workspace.layersMount(this.buildpack, restored);
  }

  /** Reads which layers the buildpack wants, after bin/build. */
  async collect(context: BuildContext): Promise<void> {
    this.#layers = [];
    for (const fileName of await listFolder(this.#upper)) {
      const name = fileName.replace(/\.toml$/, "");
      if (name === fileName || notLayers.has(name)) continue;
      const file = readLayerFile(await this.readFile(fileName), `${this.#title}: ${fileName}`);
      if (!file.launch && !file.build && !file.cache) continue;
      this.#layers.push({ name, file, ...(await this.#content(context, name, file)) });
    }
  }

  async #content(
    context: BuildContext,
    name: string,
    { launch, cache }: LayerFile,
  ): Promise<Pick<Layer, "path" | "digest">> {
    const written = await lstat(join(this.#upper, name)).catch(() => null);
    const lower = this.#lower.get(name);
    // In an overlay, what was removed is marked by something that is not a folder.
    const exists = written === null ? lower !== undefined : written.isDirectory();
    if (!exists) return this.#withoutContent(name, launch, cache);
    if (lower === undefined) return { path: join(this.#upper, name), digest: null };
    const untouched = written === null && launch;
    if (untouched) return { path: this.#storedPath(name, lower), digest: lower };
    return { path: await this.#mergedCopy(context, name), digest: null };
  }

  /** No folder means the same content as last time for a layer that only the image needs. */
  #withoutContent(name: string, launch: boolean, cache: boolean): Pick<Layer, "path" | "digest"> {
    if (!launch) return { path: null, digest: null };
    const digest = this.#previous.layers[name]?.digest ?? null;
    if (cache || digest === null || !this.#images.claimLayer(digest))
      throw new UserError(`${this.#title} wants layer ${name} in the image but did not make it`);
    return { path: this.#storedPath(name, digest), digest };
  }

  /** What the buildpack sees of a restored layer that it changed; made inside, where the two are one. */
  async #mergedCopy(context: BuildContext, name: string): Promise<string> {
    const source = join(inside.layers, folderName(this.buildpack), name);
    const title = `Copying layer ${name}`;
    const { code } = await runStep(context, {
      name: "copy",
      title,
      argv: ["cp", "--archive", "--", source, `${inside.merged}/`],
      env: { PATH: "/usr/bin:/bin" },
      mounts: [
        ...this.#workspace.stepMounts(this.buildpack, true),
        this.mount,
        this.#workspace.mergedMount(this.buildpack),
      ],
      network: false,
      onLine: () => {},
    });
    if (code !== 0) throw new UserError(`${title} failed: exit status ${code}`);
    return join(this.#workspace.merged(this.buildpack), name);
  }

  /** Stores the layers that belong in the image. */
  async store(): Promise<void> {
    const stored: Layer[] = [];
    for (const layer of this.#layers) stored.push(await this.#storeLayer(layer));
    this.#layers = stored;
  }

  async #storeLayer(layer: Layer): Promise<Layer> {
    const { name, file, path, digest } = layer;
    if (!file.launch || path === null || digest !== null) return layer;
    const staging = await this.#workspace.makeStaging();
    const parent = join(staging, inside.layers, folderName(this.buildpack));
    await mkdir(parent, { recursive: true });
    for (const folder of [join(parent, ".."), parent]) await chmod(folder, 0o755);
    await rename(path, join(parent, name));
    const added = await this.#images.addLayer(staging);
    // It was moved: later buildpacks see it from the store.
    this.#lower.set(name, added);
    return { ...layer, path: this.#storedPath(name, added), digest: added };
  }

  /** What the next build must know; `store` must have been called. */
  async record(): Promise<BuildpackRecord> {
    const layers = this.#layers.map(({ name, file: { metadata, ...types }, digest }) => [
      name,
      { ...types, metadata: writeMetadata(metadata), digest },
    ]);
    return {
      layers: Object.fromEntries(layers) as BuildpackRecord["layers"],
      store: await readUntrusted(join(this.#upper, "store.toml")),
    };
  }

  /** Moves the content that only the next build needs into the cache. */
  async keepCached(): Promise<void> {
    for (const { name, file, path } of this.#layers) {
      if (file.cache && !file.launch && path !== null) await this.#cache.put(this.buildpack, name, path);
    }
  }

  /** Gives back what was taken out of the cache, when the build failed. */
  async giveBackCached(): Promise<void> {
    for (const name of this.#taken) {
      const stats = await lstat(join(this.#upper, name)).catch(() => null);
      if (stats?.isDirectory() === true) await this.#cache.put(this.buildpack, name, join(this.#upper, name));
    }
  }

  imageLayers(): Digest[] {
    return this.#layers.flatMap(({ file, digest }) => (file.launch && digest !== null ? [digest] : []));
  }

  /** Layers that later buildpacks (`build`) or the app (`launch`) use, in order of their names. */
  placed(use: "build" | "launch"): PlacedLayer[] {
    return this.#layers.flatMap(({ name, file, path }) =>
      file[use] && path !== null
        ? [{ path, target: join(inside.layers, folderName(this.buildpack), name) }]
        : [],
    );
  }

  /** A TOML file at the top of the buildpack's layers folder; empty when it is not there. */
  async readFile(name: string): Promise<ReturnType<typeof parseBuildpackFile>> {
    const text = (await readUntrusted(join(this.#upper, name))) ?? "";
    return parseBuildpackFile(text, `${this.#title}: ${name}`);
  }

  get #title(): string {
    return `${this.buildpack.name} buildpack`;
  }

  get #upper(): string {
    return this.#workspace.upper(this.buildpack);
  }

  #storedPath(name: string, digest: Digest): string {
    return join(this.#images.layerPath(digest), inside.layers, folderName(this.buildpack), name);
  }
}
