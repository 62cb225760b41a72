import { log } from "../lib/log.ts";
import type { App } from "../model/app.ts";
import type { RunningContainer } from "../model/container.ts";
import { messageOf } from "../model/error.ts";
import type { Process } from "../model/process.ts";
import type { AppQueue } from "./app-queue.ts";
import type { Formation } from "./formation.ts";
import type { Rooms } from "./rooms.ts";
import { publishRoutes } from "./routes.ts";
import { currentRelease, matchScale } from "./scale.ts";
import { SupervisedProcess } from "./supervised-process.ts";

/**
 * At start, makes the machine match the state: deploys that a crash cut off are marked failed and what they started is
 * removed, containers that still run are adopted, missing processes are started again.
 */
export async function reconcile(rooms: Rooms, formation: Formation, queue: AppQueue): Promise<void> {
  for (const release of rooms.state.releases.unfinished()) {
    rooms.state.releases.fail(release.id, "Slipway was stopped during this deploy: push again");
  }
  const apps = rooms.state.apps.list();
  await Promise.all(apps.map((app) => adoptProcesses(rooms, formation, app)));
  await publishRoutes(rooms);
  // Starting can take long and can fail: the apps that already run must not wait for it.
  for (const app of apps)
    void queue.run(
      app.id,
      () => {},
      () => startMissing(rooms, formation, app.id),
    );
}

async function adoptProcesses(rooms: Rooms, formation: Formation, app: App): Promise<void> {
  const current = await currentRelease(rooms, app);
  for (const record of rooms.state.processes.list(app.id)) {
    const found = await rooms.runtime.adopt(record.containerId);
    const container = found !== null && "stop" in found ? found : null;
    const command = current?.image.processes[record.type];
    const belongs = app.wanted && record.releaseId === current?.release.id && record.state !== "stopping";
    if (current === null || command === undefined || !belongs) {
      await remove(rooms, record, container);
      continue;
    }
    const planned = { app, ...current, command, type: record.type, index: record.index };
    formation.add(app.id, SupervisedProcess.adopt(rooms, planned, record, container));
    log(container === null ? "process was gone" : "process adopted", {
      app: app.name,
      process: `${record.type}.${record.index}`,
    });
  }
}

async function remove(rooms: Rooms, record: Process, container: RunningContainer | null): Promise<void> {
  await container?.stop(rooms.settings.stopGraceMs);
  rooms.state.processes.delete(record.id);
}

async function startMissing(rooms: Rooms, formation: Formation, appId: number): Promise<void> {
  const app = rooms.state.apps.byId(appId);
  if (app === null || !app.wanted) return;
  try {
    const current = await currentRelease(rooms, app);
    if (current === null) return;
    await matchScale(rooms, formation, app, current.release, current.image, () => {});
  } catch (error) {
    log("processes not started", { app: app.name, error: messageOf(error) });
  }
}
