import { setTimeout as delay } from "node:timers/promises";
import { log } from "../lib/log.ts";
import type { ContainerExit, RunningContainer } from "../model/container.ts";
import { describeExit } from "../model/container.ts";
import { messageOf } from "../model/error.ts";
import type { Process } from "../model/process.ts";
import { RestartPolicy } from "../runtime/restart-policy.ts";
import { logFile, newContainerId, planContainer, servedPort, type PlannedProcess } from "./container-plan.ts";
import { untilReady } from "./readiness.ts";
import type { Rooms } from "./rooms.ts";
import { publishRoutes } from "./routes.ts";

const mebibyte = 1024 * 1024;

/** Keeps one process of an app alive: starts it, waits until it is ready, starts it again when it ends, and keeps the state true. */
export class SupervisedProcess {
  readonly planned: PlannedProcess;
  readonly #rooms: Rooms;
  readonly #policy = new RestartPolicy();
  readonly #stopping = new AbortController();
  #record: Process;
  #container: RunningContainer | null = null;
  /** The container being made, so that a stop in that moment does not miss it. */
  #making: Promise<RunningContainer> | null = null;

  private constructor(rooms: Rooms, planned: PlannedProcess, record: Process) {
    this.#rooms = rooms;
    this.planned = planned;
    this.#record = record;
  }

  /** Resolves once it is ready; when it does not get there, nothing of it is left and the reason is thrown. */
  static async start(rooms: Rooms, planned: PlannedProcess): Promise<SupervisedProcess> {
    const { app, release, type, index } = planned;
    const record = rooms.state.processes.create({
      appId: app.id,
      releaseId: release.id,
      type,
      index,
      containerId: newContainerId(app, `${type}-${index}`),
      port: servedPort(rooms, app, type),
    });
    const supervised = new SupervisedProcess(rooms, planned, record);
    try {
      await supervised.#launch();
    } catch (error) {
      await supervised.stop();
      throw error;
    }
    void supervised.#keepAlive();
    return supervised;
  }

  /** Takes over a process that an earlier server started: its container if it still runs, else a new one. */
  static adopt(
    rooms: Rooms,
    planned: PlannedProcess,
    record: Process,
    container: RunningContainer | null,
  ): SupervisedProcess {
    const supervised = new SupervisedProcess(rooms, planned, record);
    supervised.#container = container;
    if (container !== null)
      supervised.#update({ state: "running", pid: container.pid, pidStartTime: container.pidStartTime });
    void supervised.#keepAlive();
    return supervised;
  }

  get name(): string {
    return `${this.#record.type}.${this.#record.index}`;
  }

  get record(): Process {
    return this.#record;
  }

  /** Marks it as going, so that no route names it any more and its end is not a crash. */
  retire(): void {
    this.#stopping.abort();
    this.#update({ state: "stopping" });
  }

  /** Ends it: SIGTERM, grace, SIGKILL. Resolves when it is gone from the machine and the state. */
  async stop(): Promise<void> {
    this.retire();
    await this.#making?.catch(() => {});
    await this.#container?.stop(this.#rooms.settings.stopGraceMs);
    this.#rooms.state.processes.delete(this.#record.id);
  }

  async #launch(): Promise<void> {
    const { runtime } = this.#rooms;
    const { app } = this.planned;
    const spec = planContainer(this.#rooms, this.#record.containerId, this.planned);
    this.#making = runtime.start(spec, logFile(this.#rooms, app, this.name, spec.id));
    const container = await this.#making;
    this.#container = container;
    this.#update({ pid: container.pid, pidStartTime: container.pidStartTime, startedAt: Date.now() });
    await untilReady(this.#rooms, this.name, container, this.#record.port);
    if (!this.#stopping.signal.aborted) this.#update({ state: "running" });
  }

  /** Goes on until the process is stopped or crashes too often. */
  async #keepAlive(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const ending = this.#container === null ? "lost" : this.#describe(await this.#container.exited);
      if (this.#stopping.signal.aborted) return;
      const restartAfterMs = this.#policy.next({ startedAt: this.#record.startedAt, endedAt: Date.now() });
      this.#ended(ending, restartAfterMs);
      if (restartAfterMs === null) return;
      await delay(restartAfterMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return;
      await this.#relaunch();
    }
  }

  #describe(exit: ContainerExit): string {
    const limit = `, its limit is ${Math.round(this.#rooms.settings.memoryBytes / mebibyte)} MiB`;
    return describeExit(exit) + (exit.oomKilled ? limit : "");
  }

  #ended(ending: string, restartAfterMs: number | null): void {
    const next =
      restartAfterMs === null
        ? "it crashed too often and stays down until the next deploy or ps:restart"
        : "it is started again";
    this.#update({
      state: restartAfterMs === null ? "exited" : "backoff",
      pid: null,
      pidStartTime: null,
      lastExit: ending,
    });
    this.#rooms.tell(
      "process.crashed",
      this.planned.app,
      "slipway",
      `${this.name} ended (${ending}): ${next}`,
    );
    void this.#rooms.emit("processCrashed", {
      app: this.planned.app.name,
      process: this.name,
      exit: ending,
    });
    this.#publish();
  }

  async #relaunch(): Promise<void> {
    this.#update({
      state: "starting",
      containerId: newContainerId(this.planned.app, this.name),
      restarts: this.#record.restarts + 1,
      startedAt: Date.now(),
    });
    this.#container = null;
    try {
      await this.#launch();
    } catch (error) {
      log("process did not come back", {
        app: this.planned.app.name,
        process: this.name,
        error: messageOf(error),
      });
      // One that runs but never listens is ended, so that the loop sees an exit and backs off.
      await (this.#container as RunningContainer | null)?.stop(this.#rooms.settings.stopGraceMs);
      return;
    }
    this.#publish();
  }

  #update(change: Partial<Process>): void {
    this.#record = { ...this.#record, ...change };
    this.#rooms.state.processes.update(this.#record);
  }

  #publish(): void {
    publishRoutes(this.#rooms).catch((error: unknown) =>
      log("routes not published", { error: messageOf(error) }),
    );
  }
}
