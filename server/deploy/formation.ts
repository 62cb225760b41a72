import type { App } from "../model/app.ts";
import type { Image } from "../model/image.ts";
import type { Release } from "../model/release.ts";
import { UserError } from "../model/error.ts";
import type { Rooms } from "./rooms.ts";
import { publishRoutes } from "./routes.ts";
import { SupervisedProcess } from "./supervised-process.ts";

/** A process type and how many of it. */
export type Quantities = ReadonlyMap<string, number>;

/** All processes that this server looks after, by app. */
export class Formation {
  readonly #rooms: Rooms;
  readonly #processes = new Map<number, Set<SupervisedProcess>>();
  readonly #retiring = new Map<number, Set<Promise<void>>>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  of(appId: number): SupervisedProcess[] {
    return [...(this.#processes.get(appId) ?? [])];
  }

  add(appId: number, process: SupervisedProcess): void {
    setOf(this.#processes, appId).add(process);
  }

  /** Starts processes side by side. All become ready, or none is left and the first reason is thrown. */
  async start(
    app: App,
    release: Release,
    image: Image,
    wanted: readonly { type: string; index: number }[],
  ): Promise<void> {
    const planned = wanted.map(({ type, index }) => {
      const command = image.processes[type];
      if (command === undefined) throw new UserError(`${type} is not a process type of this app`);
      return { app, release, image, command, type, index };
    });
    const results = await Promise.allSettled(
      planned.map((process) => SupervisedProcess.start(this.#rooms, process)),
    );
    const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) return started.forEach((process) => this.add(app.id, process));
    await Promise.all(started.map((process) => process.stop()));
    throw failed.reason;
  }

  /**
   * Takes processes out of the routes, lets their requests end, then stops them. Resolves when new requests no longer
   * reach them; the rest goes on behind.
   */
  async retire(app: App, processes: readonly SupervisedProcess[]): Promise<void> {
    for (const process of processes) {
      process.retire();
      this.#processes.get(app.id)?.delete(process);
    }
    await publishRoutes(this.#rooms);
    const ended = this.#drainAndStop(processes);
    const retiring = setOf(this.#retiring, app.id);
    retiring.add(ended);
    void ended.finally(() => retiring.delete(ended));
  }

  async #drainAndStop(processes: readonly SupervisedProcess[]): Promise<void> {
    const { router, settings } = this.#rooms;
    const ids = processes
      .filter(({ record }) => record.port !== null)
      .map(({ record }) => record.containerId);
    // A router that cannot answer must not keep old processes alive for ever.
    if (ids.length > 0) await router.drain(ids, settings.drainTimeoutMs).catch(() => false);
    await Promise.all(processes.map((process) => process.stop()));
  }

  /** Resolves when every retired process of the app is gone. */
  async retired(appId: number): Promise<void> {
    await Promise.all(setOf(this.#retiring, appId));
  }

  async allRetired(): Promise<void> {
    await Promise.all([...this.#retiring.values()].flatMap((set) => [...set]));
  }
}

function setOf<T>(sets: Map<number, Set<T>>, key: number): Set<T> {
  const known = sets.get(key);
  if (known !== undefined) return known;
  const fresh = new Set<T>();
  sets.set(key, fresh);
  return fresh;
}
