import { createHash } from "node:crypto";
import type { Digest, Image, ProcessCommand } from "../model/image.ts";

/** Media types of image-spec 1.1; layers are uncompressed, so that a layer's digest is its diff id. */
const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

const labels = { stack: "slipway.stack", processes: "slipway.processes" } as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ImageConfig {
  readonly config: { readonly Labels: Readonly<Record<string, string>> };
  readonly rootfs: { readonly diff_ids: readonly Digest[] };
}

export interface Blob {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
}

export interface LayerSize {
  readonly digest: Digest;
  readonly bytes: number;
}

/** Manifest and config of an image; nothing in them tells when or where it was built. */
export function describeImage(
  stack: string,
  layers: readonly LayerSize[],
  processes: Image["processes"],
): { manifest: Blob; config: Blob } {
  const first = processes["web"] ?? Object.values(processes)[0];
  const config = blob(mediaTypes.config, {
    created: "1980-01-01T00:00:01Z",
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: {
      User: "1000:1000",
      ...(first && startOf(first)),
      Labels: { [labels.stack]: stack, [labels.processes]: JSON.stringify(processes) },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = blob(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: layers.map(({ digest, bytes }) => ({ mediaType: mediaTypes.layer, digest, size: bytes })),
  });
  return { manifest, config };
}

function startOf({ argv, env, cwd }: ProcessCommand) {
  return {
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Entrypoint: argv,
    WorkingDir: cwd,
  };
}

/** Reads back what `describeImage` wrote. */
export function readImage(digest: Digest, { config, rootfs }: ImageConfig): Image {
  return {
    digest,
    stack: config.Labels[labels.stack] ?? "",
    layers: rootfs.diff_ids,
    processes: JSON.parse(config.Labels[labels.processes] ?? "{}") as Image["processes"],
  };
}

/** The content of index.json. */
export function describeIndex(manifests: readonly Descriptor[]): string {
  return `${JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })}\n`;
}

export const layoutFile = `${JSON.stringify({ imageLayoutVersion: "1.0.0" })}\n`;

function blob(mediaType: string, value: object): Blob {
  const content = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  return { descriptor: { mediaType, digest, size: content.length }, content };
}
