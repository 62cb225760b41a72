export type ReleaseStatus = "building" | "deploying" | "succeeded" | "failed";

/** One attempt to put a version of an app live, numbered per app from 1. Only a succeeded one can serve. */
export interface Release {
  readonly id: number;
  readonly appId: number;
  readonly version: number;
  readonly status: ReleaseStatus;
  /** What made it: "push", "config", "scale", "restart". */
  readonly source: string;
  /** Name of the key that asked for it. */
  readonly author: string;
  readonly commit: string | null;
  /** Manifest digest, "sha256:…"; null until the build succeeded. */
  readonly imageDigest: string | null;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly finishedAt: number | null;
  /** Why it failed, one line. */
  readonly failure: string | null;
}
