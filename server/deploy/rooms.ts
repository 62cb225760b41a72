import type { App } from "../model/app.ts";
import type { ContainerRuntime, OutputLine } from "../model/container.ts";
import type { Digest, Image, Stack } from "../model/image.ts";
import type { Router } from "../model/route.ts";
import type { Repositories } from "../git/repositories.ts";
import type { Emit } from "../model/hook.ts";
import type { State } from "../state/state.ts";
import type { DeployLogs } from "./deploy-logs.ts";

export interface BuildRequest {
  readonly app: App;
  readonly sourceDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onLine: (line: OutputLine) => void;
}

/** What the sequences need of the image store. */
export interface Images {
  getImage(digest: Digest): Promise<Image>;
  layerPath(digest: Digest): string;
  /** Drops every image that is not named, and the layers that only those had. */
  removeUnused(keep: readonly Digest[]): Promise<void>;
}

export interface DeploySettings {
  /** Apps are reached as <app>.<domain>. */
  readonly domain: string;
  /** Port that people use for HTTP, for printed URLs. */
  readonly httpPort: number;
  /** How long a new process may take until it listens. */
  readonly bootTimeoutMs: number;
  /** How long requests in flight may take when their process is retired. */
  readonly drainTimeoutMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopGraceMs: number;
  /** Limit of each process. */
  readonly memoryBytes: number;
  /** What one app's log files may take on disk. */
  readonly logBytesPerApp: number;
  /** How many releases of an app keep their image. */
  readonly keptReleases: number;
  readonly logsDir: string;
  readonly buildsDir: string;
}

/** The rooms that the sequences of this floor connect. */
export interface Rooms {
  readonly state: State;
  readonly repositories: Repositories;
  readonly build: (request: BuildRequest) => Promise<Image>;
  /** Removes what builds of the app left to be faster next time. */
  readonly removeCache: (appId: number) => Promise<void>;
  readonly images: Images;
  readonly stack: Stack;
  readonly runtime: ContainerRuntime;
  readonly router: Router;
  readonly deployLogs: DeployLogs;
  readonly settings: DeploySettings;
  /** Tells the plugins. */
  readonly emit: Emit;
  /** Records what happened, for audit, dashboard and plugins. */
  readonly tell: (kind: string, app: App, actor: string, message: string) => void;
  /** Aborts when the server closes: builds end, apps go on. */
  readonly closing: AbortSignal;
}
