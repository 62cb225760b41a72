import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { writeFileAtomic } from "../lib/atomic-file.ts";
import { removeTree } from "../lib/remove-tree.ts";
import type { Digest } from "../model/image.ts";
import { folderName, type Buildpack } from "./buildpack.ts";

/** A layer as the last good build left it. */
export interface LayerRecord {
  readonly launch: boolean;
  readonly build: boolean;
  readonly cache: boolean;
  /** TOML with the [metadata] that the buildpack wrote. */
  readonly metadata: string;
  /** In the image store; null for a layer that no image has. */
  readonly digest: Digest | null;
}

export interface BuildpackRecord {
  readonly layers: Readonly<Record<string, LayerRecord>>;
  /** The buildpack's store.toml. */
  readonly store: string | null;
}

interface CacheFile {
  readonly stackVersion: string;
  readonly buildpacks: Readonly<Record<string, BuildpackRecord>>;
}

/** What builds leave for the next one: records of their layers, and the content of those that are in no image. */
export class BuildCache {
  readonly #root: string;
  readonly #stackVersion: string;
  #buildpacks: Readonly<Record<string, BuildpackRecord>>;

  private constructor(root: string, stackVersion: string, buildpacks: CacheFile["buildpacks"]) {
    this.#root = root;
    this.#stackVersion = stackVersion;
    this.#buildpacks = buildpacks;
  }

  /** Empty when the stack is another one: what was built on the old may not work on the new. */
  static async open(root: string, stackVersion: string): Promise<BuildCache> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    const file = await readCacheFile(join(root, "layers.json"));
    if (file?.stackVersion === stackVersion) return new BuildCache(root, stackVersion, file.buildpacks);
    await removeTree(root);
    await mkdir(root, { mode: 0o700 });
    return new BuildCache(root, stackVersion, {});
  }

  record(buildpack: Buildpack): BuildpackRecord | null {
    return this.#buildpacks[buildpack.id] ?? null;
  }

  /** Moves the content of a layer that is in no image out to `directory`; false when it is not here. */
  async take(buildpack: Buildpack, layer: string, directory: string): Promise<boolean> {
    try {
      await rename(this.#folder(buildpack, layer), directory);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  /** Moves the content of such a layer in. */
  async put(buildpack: Buildpack, layer: string, directory: string): Promise<void> {
    const folder = this.#folder(buildpack, layer);
    await removeTree(folder);
    await mkdir(join(folder, ".."), { recursive: true });
    await rename(directory, folder);
  }

  /** Keeps the record of one buildpack. */
  async update(buildpack: Buildpack, record: BuildpackRecord): Promise<void> {
    await this.#save({ ...this.#buildpacks, [buildpack.id]: record });
  }

  /** Keeps these records, and forgets all other buildpacks and their content. */
  async replace(records: ReadonlyMap<Buildpack, BuildpackRecord>): Promise<void> {
    const kept = [...records].map(([{ id }, record]) => [id, record] as const);
    const forgotten = Object.keys(this.#buildpacks).filter((id) => !kept.some(([each]) => each === id));
    await this.#save(Object.fromEntries(kept));
    for (const id of forgotten) await removeTree(join(this.#root, folderName({ id })));
  }

  async #save(buildpacks: CacheFile["buildpacks"]): Promise<void> {
    if (isDeepStrictEqual(buildpacks, this.#buildpacks)) return;
    this.#buildpacks = buildpacks;
    const file: CacheFile = { stackVersion: this.#stackVersion, buildpacks };
    await writeFileAtomic(join(this.#root, "layers.json"), JSON.stringify(file));
  }

  #folder(buildpack: Buildpack, layer: string): string {
    return join(this.#root, folderName(buildpack), layer);
  }
}

async function readCacheFile(path: string): Promise<CacheFile | null> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as CacheFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
