import type { Actor } from "../model/key.ts";
import type { App } from "../model/app.ts";
import type { LogLine } from "../model/log-line.ts";
import type { Release } from "../model/release.ts";

/** Takes one line of progress, ready to be shown: "-----> Building blog" or "       detail". */
export type Say = (line: string) => void;

export interface PushedCommit {
  readonly commit: string;
  /** GIT_* variables of the pre-receive hook: the new objects are still in quarantine (git-receive-pack(1)). */
  readonly gitEnv: Readonly<Record<string, string>>;
}

export interface LogQuery {
  /** How many of the newest lines to begin with. */
  readonly lines: number;
  /** "web" or "web.1"; undefined for all. */
  readonly process?: string;
  /** Go on with lines as they are written, until `signal` aborts. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/**
 * What can be done to apps: each method is one sequence across the rooms. Those of one app run one after the other;
 * a waiting one says so. They belong to the server: a caller that goes away does not stop them.
 */
export interface Operations {
  createApp(name: string, actor: Actor): Promise<App>;
  /** Stops and removes everything of the app: processes, routes, images, repository, logs, config. */
  destroyApp(app: App, actor: Actor): Promise<void>;
  /** Builds a commit and puts it live. Rejects with a UserError that names the cause; the old release keeps serving. */
  deployCommit(app: App, pushed: PushedCommit, actor: Actor, say: Say): Promise<Release>;
  /** Puts the current image live again with the current config, as a new release, with no request lost. */
  redeploy(app: App, source: "config" | "restart", actor: Actor, say: Say): Promise<Release>;
  /** Stores the wanted quantities and, when deployed, starts or stops processes to match. */
  scale(app: App, quantities: ReadonlyMap<string, number>, actor: Actor, say: Say): Promise<void>;
  stop(app: App, actor: Actor, say: Say): Promise<void>;
  start(app: App, actor: Actor, say: Say): Promise<void>;
  /** Tells the router after domains changed. */
  publishRoutes(): Promise<void>;
  /** "http://blog.example.com" for each name that reaches the app, port included when it is not the scheme's own. */
  urls(app: App): string[];
  /** All host names that reach the app: its default one and the added ones. */
  hosts(app: App): string[];
  /** What the app's processes wrote, oldest first. */
  logs(app: App, query: LogQuery): AsyncIterable<LogLine>;
  /** The lines of a release's deploy, from the first; goes on live until the deploy ends or `signal` aborts. */
  deployLog(release: Release, signal: AbortSignal): AsyncIterable<string>;
}
