import { join } from "node:path";
import type { App } from "../model/app.ts";
import { readLogs } from "../runtime/log-files.ts";
import { AppQueue } from "./app-queue.ts";
import { deployCommit, redeploy } from "./deploy.ts";
import { destroy } from "./destroy.ts";
import { Formation } from "./formation.ts";
import type { Operations } from "./operations.ts";
import { reconcile } from "./reconcile.ts";
import type { Rooms } from "./rooms.ts";
import { hostsOf, publishRoutes } from "./routes.ts";
import { scale } from "./scale.ts";
import { start, stop } from "./stop-start.ts";
import { urlsOf } from "./urls.ts";

export interface OperationsHost {
  readonly operations: Operations;
  /** Makes the machine match the state; call once, before doors open. */
  reconcile(): Promise<void>;
  /** Resolves when no operation runs or waits. */
  idle(): Promise<void>;
  /** Stops every app's processes without changing what the state wants: for a server that leaves nothing behind. */
  stopAll(): Promise<void>;
}

export function createOperations(rooms: Rooms): OperationsHost {
  const { state } = rooms;
  const queue = new AppQueue("operation");
  const formation = new Formation(rooms);
  /** The app as it is when its turn comes; it may have been destroyed while it waited. */
  const fresh = (app: App) => state.apps.get(app.name);
  const silent = () => {};

  const operations: Operations = {
    async createApp(name, actor) {
      const app = state.transaction(() => {
        const created = state.apps.create(name);
        state.keys.grant(created.id, actor.id);
        return created;
      });
      try {
        await rooms.repositories.create(app.id);
      } catch (error) {
        await rooms.repositories.remove(app.id);
        state.apps.delete(app.id);
        throw error;
      }
      await publishRoutes(rooms);
      rooms.tell("app.created", app, actor.name, `${name} was created`);
      return app;
    },
    destroyApp: (app, actor) =>
      queue.run(app.id, silent, async () => {
        await destroy(rooms, formation, fresh(app));
        rooms.tell("app.destroyed", app, actor.name, `${app.name} was destroyed`);
      }),
    deployCommit: (app, pushed, actor, say) =>
      queue.run(app.id, say, () => deployCommit(rooms, formation, fresh(app), pushed, actor, say)),
    redeploy: (app, source, actor, say) =>
      queue.run(app.id, say, () => redeploy(rooms, formation, fresh(app), source, actor, say)),
    scale: (app, quantities, actor, say) =>
      queue.run(app.id, say, async () => {
        await scale(rooms, formation, fresh(app), quantities, say);
        const words = [...quantities].map(([type, count]) => `${type}=${count}`).join(" ");
        rooms.tell("app.scaled", app, actor.name, words);
      }),
    stop: (app, actor, say) =>
      queue.run(app.id, say, async () => {
        await stop(rooms, formation, fresh(app));
        rooms.tell("app.stopped", app, actor.name, `${app.name} was stopped`);
      }),
    start: (app, actor, say) =>
      queue.run(app.id, say, async () => {
        await start(rooms, formation, fresh(app), say);
        rooms.tell("app.started", app, actor.name, `${app.name} was started`);
      }),
    publishRoutes: () => publishRoutes(rooms),
    urls: (app) => urlsOf(rooms, app),
    hosts: (app) => hostsOf(rooms, app),
    logs: (app, query) => readLogs({ dir: join(rooms.settings.logsDir, String(app.id)), ...query }),
    deployLog: (release, signal) => rooms.deployLogs.follow(release, signal),
  };

  return {
    operations,
    reconcile: () => reconcile(rooms, formation, queue),
    idle: () => queue.idle(),
    async stopAll() {
      const apps = state.apps.list();
      await Promise.all(apps.flatMap((app) => formation.of(app.id).map((process) => process.stop())));
      await formation.allRetired();
    },
  };
}
