import type { Mount } from "./container.ts";

/** "sha256:" and 64 hexadecimal digits. */
export type Digest = string;

/** The read-only base that images build and run on. */
export interface Stack {
  readonly name: string;
  /** Changes whenever what the stack holds changes; part of build keys. */
  readonly version: string;
  /** Unpacked base layers, bottom first. */
  readonly layers: readonly string[];
  /** Mounts that belong to the stack, such as the machine's /usr for the host stack. */
  readonly mounts: readonly Mount[];
}

/** How to start a process type. argv is final: no shell is added to it. */
export interface ProcessCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** A finished build as the store holds it: an OCI manifest, its config and its layers. */
export interface Image {
  readonly digest: Digest;
  readonly stack: string;
  /** Uncompressed layer digests (OCI diff ids), bottom first, without those of the stack. */
  readonly layers: readonly Digest[];
  /** By process type; "web", "worker", "release" … */
  readonly processes: Readonly<Record<string, ProcessCommand>>;
}
