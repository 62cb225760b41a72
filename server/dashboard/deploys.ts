import type { Release, ReleaseStatus } from "../model/release.ts";
import type { Tone } from "./app-state.ts";
import { duration, moment, type Moment } from "./time.ts";

/** A release as lists and pages show it. */
export interface DeployView {
  readonly version: number;
  readonly href: string;
  readonly status: ReleaseStatus;
  /** The status, and of the good ones which serves. */
  readonly tone: Tone;
  readonly word: string;
  readonly running: boolean;
  readonly source: string;
  readonly author: string;
  readonly commit: string | null;
  readonly at: Moment;
  readonly took: string | null;
  readonly failure: string | null;
}

export function deployView(
  appName: string,
  release: Release,
  currentReleaseId: number | null,
  now: number,
): DeployView {
  const { tone, word } = result(release, currentReleaseId);
  return {
    version: release.version,
    href: `/apps/${appName}/releases/${release.version}`,
    status: release.status,
    tone,
    word,
    running: isRunning(release),
    source: sourceWords[release.source] ?? release.source,
    author: release.author,
    commit: release.commit?.slice(0, 8) ?? null,
    at: moment(release.createdAt, now),
    took: release.finishedAt === null ? null : duration(release.finishedAt - release.createdAt),
    failure: release.failure,
  };
}

export function isRunning({ status }: Release): boolean {
  return status === "building" || status === "deploying";
}

const sourceWords: Record<string, string> = {
  push: "git push",
  config: "config change",
  restart: "restart",
  scale: "scale",
};

function result({ id, status }: Release, currentReleaseId: number | null): { tone: Tone; word: string } {
  if (status === "failed") return { tone: "bad", word: "failed" };
  if (status !== "succeeded") return { tone: "warn", word: status };
  return id === currentReleaseId ? { tone: "good", word: "current" } : { tone: "idle", word: "replaced" };
}
