import { EventEmitter, once } from "node:events";
import type { LogQuery, Operations, Say } from "../../server/deploy/operations.ts";
import type { App } from "../../server/model/app.ts";
import type { Actor } from "../../server/model/key.ts";
import type { LogLine } from "../../server/model/log-line.ts";
import type { Release } from "../../server/model/release.ts";
import type { State } from "../../server/state/state.ts";
import { UserError } from "../../server/model/error.ts";

/** A list that can be read to its end and then followed. */
class Tail<T> extends EventEmitter {
  readonly items: T[] = [];
  #ended = false;

  constructor() {
    super();
    this.setMaxListeners(0);
  }

  push(item: T): void {
    this.items.push(item);
    this.emit("change");
  }

  end(): void {
    this.#ended = true;
    this.emit("change");
  }

  async *follow(from: number, signal: AbortSignal): AsyncGenerator<T> {
    for (let next = from; !signal.aborted;) {
      while (next < this.items.length) yield this.items[next++] as T;
      if (this.#ended) return;
      await once(this, "change", { signal }).catch(() => {});
    }
  }
}

/** Operations without a machine behind them, for tests of the doors: a test plays the apps and the deploys. */
export class MemoryOperations implements Operations {
  /** What was asked for, such as "stop blog by alice". */
  readonly calls: string[] = [];
  readonly #state: State;
  readonly #logs = new Map<number, Tail<LogLine>>();
  readonly #deployLogs = new Map<number, Tail<string>>();

  constructor(state: State) {
    this.#state = state;
  }

  /** An app's process prints a line. */
  print(app: App, process: string, text: string, stream: LogLine["stream"] = "stdout"): void {
    const at = new Date().toISOString().replace("Z", "123456Z");
    this.#logOf(app).push({ at, process, stream, text });
  }

  /** A deploy prints a line. */
  sayDeploy(release: Release, line: string): void {
    this.#deployLogOf(release).push(line);
  }

  endDeploy(release: Release): void {
    this.#deployLogOf(release).end();
  }

  urls(app: App): string[] {
    return this.hosts(app).map((host) => `http://${host}:8080`);
  }

  hosts(app: App): string[] {
    return [`${app.name}.localhost`, ...this.#state.domains.list(app.id)];
  }

  async *logs(app: App, { lines, follow, signal }: LogQuery): AsyncGenerator<LogLine> {
    const log = this.#logOf(app);
    const first = Math.max(0, log.items.length - lines);
    if (follow) yield* log.follow(first, signal);
    else yield* log.items.slice(first);
  }

  deployLog(release: Release, signal: AbortSignal): AsyncGenerator<string> {
    return this.#deployLogOf(release).follow(0, signal);
  }

  async stop(app: App, actor: Actor, _say: Say): Promise<void> {
    this.calls.push(`stop ${app.name} by ${actor.name}`);
    this.#state.apps.setWanted(app.id, false);
    for (const process of this.#state.processes.list(app.id)) this.#state.processes.delete(process.id);
  }

  async start(app: App, actor: Actor, _say: Say): Promise<void> {
    this.calls.push(`start ${app.name} by ${actor.name}`);
    throw new UserError("web.1 did not listen on its port within 60 s");
  }

  async redeploy(app: App, source: "config" | "restart", actor: Actor, _say: Say): Promise<Release> {
    this.calls.push(`${source} ${app.name} by ${actor.name}`);
    throw new UserError(`App ${app.name} has not been deployed`);
  }

  createApp = notPlayed;
  destroyApp = notPlayed;
  deployCommit = notPlayed;
  scale = notPlayed;
  publishRoutes = notPlayed;

  #logOf(app: App): Tail<LogLine> {
    return tailOf(this.#logs, app.id);
  }

  #deployLogOf(release: Release): Tail<string> {
    return tailOf(this.#deployLogs, release.id);
  }
}

function tailOf<T>(tails: Map<number, Tail<T>>, id: number): Tail<T> {
  const known = tails.get(id);
  if (known !== undefined) return known;
  const fresh = new Tail<T>();
  tails.set(id, fresh);
  return fresh;
}

function notPlayed(): Promise<never> {
  return Promise.reject(new Error("no test of the doors asks for this"));
}
