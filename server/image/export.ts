import { copyFile, mkdir, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../model/image.ts";
import { layerTar } from "./layer-tar.ts";
import { describeIndex, layoutFile, type Descriptor, type Manifest } from "./oci.ts";
import type { ImageStore } from "./store.ts";

/**
 * Writes the image as a complete OCI image layout into `directory` (made if need be), as skopeo, Podman and umoci read it.
 * The stack is not part of it. Rejects when a layer no longer has the content that its digest says.
 */
export async function exportLayout(store: ImageStore, digest: Digest, directory: string): Promise<void> {
  const blobs = join(directory, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  const blobFile = (blob: Digest) => join(blobs, blob.slice("sha256:".length));
  const manifest = await store.readBlob<Manifest>(digest);
  for (const layer of manifest.layers) await writeLayer(store, layer, blobFile(layer.digest));
  for (const blob of [digest, manifest.config.digest]) await copyFile(store.blobPath(blob), blobFile(blob));
  const size = Buffer.byteLength(JSON.stringify(manifest));
  await writeFile(
    join(directory, "index.json"),
    describeIndex([{ mediaType: manifest.mediaType, digest, size }]),
  );
  await writeFile(join(directory, "oci-layout"), layoutFile);
}

async function writeLayer(store: ImageStore, layer: Descriptor, path: string): Promise<void> {
  const file = await open(`${path}.tmp`, "w");
  try {
    const { digest } = await layerTar(store.layerPath(layer.digest), async (chunk) => {
      await file.writeFile(chunk);
    });
    if (digest !== layer.digest) throw new Error(`layer ${layer.digest} was changed: it is now ${digest}`);
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
}
