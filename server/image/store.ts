import { randomBytes } from "node:crypto";
import { renameSync, statSync, utimesSync } from "node:fs";
import { chmod, chown, mkdir, readdir, readFile, rename, utimes } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../lib/atomic-file.ts";
import { exec } from "../lib/exec.ts";
import { removeTree } from "../lib/remove-tree.ts";
import type { Digest, Image } from "../model/image.ts";
import { layerTar } from "./layer-tar.ts";
import {
  describeImage,
  describeIndex,
  layoutFile,
  readImage,
  type Blob,
  type Descriptor,
  type ImageConfig,
  type Manifest,
} from "./oci.ts";

/** Longer than any build: what one has found or stored a moment ago is not yet named by a release. */
const defaultGraceMs = 60 * 60 * 1000;

/**
 * Images by content. The folder is an OCI image layout without the layers' tars; `layers/sha256/<hex>/diff` is what each
 * layer holds, unpacked once and mounted by every container that needs it. Nothing in a layer may be changed.
 * One store per folder and process.
 */
export class ImageStore {
  readonly #root: string;
  readonly #graceMs: number;
  /** What is in index.json. */
  #images: readonly Descriptor[] = [];
  #unsynced = false;
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(root: string, graceMs: number) {
    this.#root = root;
    this.#graceMs = graceMs;
  }

  /** Opens or makes the store, and removes what a crash left in it. `graceMs`: how long unnamed things are kept. */
  static async open(root: string, graceMs = defaultGraceMs): Promise<ImageStore> {
    const store = new ImageStore(root, graceMs);
    await removeTree(join(root, "tmp"));
    for (const folder of ["tmp", "blobs/sha256", "layers/sha256"])
      await mkdir(join(root, folder), { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(root, "oci-layout"), layoutFile);
    store.#images = await readIndex(join(root, "index.json"));
    // Layers are made durable together with their image; one without may be cut short by a power failure.
    await store.#sweep(0);
    return store;
  }

  /** Takes `directory` (same file system) as a layer: it is moved in, or dropped when the store has it already. */
  async addLayer(directory: string): Promise<Digest> {
    const staged = this.#temporary();
    await mkdir(staged, { mode: 0o700 });
    try {
      await rename(directory, join(staged, "diff"));
      // The top layer's root is what a container sees as /.
      await chown(join(staged, "diff"), 0, 0);
      await chmod(join(staged, "diff"), 0o755);
      const { digest, bytes } = await layerTar(join(staged, "diff"));
      if (!this.claimLayer(digest)) {
        await writeFileAtomic(join(staged, "bytes"), String(bytes));
        this.#unsynced = true;
        await renameNew(staged, this.#layerFolder(digest));
      }
      return digest;
    } finally {
      // Nothing is there any more when it was moved in.
      await removeTree(staged);
    }
  }

  /** Where the content of a layer is; see `claimLayer` for whether it is there. */
  layerPath(digest: Digest): string {
    return join(this.#layerFolder(digest), "diff");
  }

  /** Whether the store has the layer; if so, it stays for a while though no image has it. */
  claimLayer(digest: Digest): boolean {
    try {
      const now = new Date();
      utimesSync(this.#layerFolder(digest), now, now);
      return true;
    } catch {
      return false;
    }
  }

  /** Records an image of stored layers, bottom first. It survives a power failure from here on. */
  async addImage(image: Pick<Image, "stack" | "layers" | "processes">): Promise<Image> {
    const layers = await Promise.all(
      image.layers.map(async (digest) => ({ digest, bytes: await this.layerBytes(digest) })),
    );
    const { manifest, config } = describeImage(image.stack, layers, image.processes);
    await this.#writeBlob(config);
    await this.#writeBlob(manifest);
    await this.#exclusively(async () => {
      if (this.#unsynced) await exec(["sync", "--file-system", this.#root]);
      this.#unsynced = false;
      const others = this.#images.filter(({ digest }) => digest !== manifest.descriptor.digest);
      await this.#setImages([...others, manifest.descriptor]);
    });
    return { ...image, digest: manifest.descriptor.digest };
  }

  /** Rejects when the image is not there. */
  async getImage(digest: Digest): Promise<Image> {
    const { config } = await this.readBlob<Manifest>(digest);
    return readImage(digest, await this.readBlob<ImageConfig>(config.digest));
  }

  /** Removes every image but these and those of the last hour, and the layers that only they had. */
  async removeUnused(keep: readonly Digest[]): Promise<void> {
    await this.#exclusively(async () => {
      const keeping = new Set(keep);
      const kept = this.#images.filter(
        ({ digest }) => keeping.has(digest) || this.#isRecent(this.blobPath(digest), this.#graceMs),
      );
      if (kept.length < this.#images.length) await this.#setImages(kept);
      await this.#sweep(this.#graceMs);
    });
  }

  blobPath(digest: Digest): string {
    return join(this.#root, "blobs/sha256", hex(digest));
  }

  async readBlob<T>(digest: Digest): Promise<T> {
    return JSON.parse(await readFile(this.blobPath(digest), "utf8")) as T;
  }

  /** Size of the layer's tar. */
  async layerBytes(digest: Digest): Promise<number> {
    return Number(await readFile(join(this.#layerFolder(digest), "bytes"), "utf8"));
  }

  /** Removes blobs and layers that no image in the index needs and that are older than `graceMs`. */
  async #sweep(graceMs: number): Promise<void> {
    const needed = new Set<string>();
    for (const { digest } of this.#images) {
      const manifest = await this.readBlob<Manifest>(digest);
      for (const part of [digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)])
        needed.add(hex(part));
    }
    for (const folder of ["blobs/sha256", "layers/sha256"]) {
      for (const name of await readdir(join(this.#root, folder))) {
        if (!needed.has(name)) await this.#removeOld(join(this.#root, folder, name), graceMs);
      }
    }
  }

  /** Looks and moves away in one go, so that a claim comes before or after it. */
  async #removeOld(path: string, graceMs: number): Promise<void> {
    if (this.#isRecent(path, graceMs)) return;
    const away = this.#temporary();
    renameSync(path, away);
    await removeTree(away);
  }

  #isRecent(path: string, graceMs: number): boolean {
    return Date.now() - statSync(path).mtimeMs < graceMs;
  }

  async #setImages(images: readonly Descriptor[]): Promise<void> {
    await writeFileAtomic(join(this.#root, "index.json"), describeIndex(images));
    this.#images = images;
  }

  async #writeBlob({ descriptor, content }: Blob): Promise<void> {
    const path = this.blobPath(descriptor.digest);
    try {
      const now = new Date();
      await utimes(path, now, now);
    } catch {
      await writeFileAtomic(path, content);
    }
  }

  /** Changes to the index, one after the other. */
  #exclusively(change: () => Promise<void>): Promise<void> {
    const changed = this.#lastChange.then(change);
    this.#lastChange = changed.catch(() => {});
    return changed;
  }

  #layerFolder(digest: Digest): string {
    return join(this.#root, "layers/sha256", hex(digest));
  }

  #temporary(): string {
    return join(this.#root, "tmp", randomBytes(8).toString("hex"));
  }
}

/** Digests become paths: anything else is a fault of ours. */
function hex(digest: Digest): string {
  const [, value] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? [];
  if (value === undefined) throw new Error(`not a digest: ${digest}`);
  return value;
}

async function readIndex(path: string): Promise<readonly Descriptor[]> {
  try {
    return (JSON.parse(await readFile(path, "utf8")) as { manifests: Descriptor[] }).manifests;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Leaves `from` where it is when `to` is there already. */
async function renameNew(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
