import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { App } from "../model/app.ts";
import { collectGarbage } from "./collect-garbage.ts";
import type { Formation } from "./formation.ts";
import type { Rooms } from "./rooms.ts";
import { publishRoutes } from "./routes.ts";
import { stop } from "./stop-start.ts";

/** Removes an app and everything that was only its own. */
export async function destroy(rooms: Rooms, formation: Formation, app: App): Promise<void> {
  await stop(rooms, formation, app);
  rooms.state.apps.delete(app.id);
  await publishRoutes(rooms);
  await rooms.repositories.remove(app.id);
  await rooms.removeCache(app.id);
  await rooms.deployLogs.removeAll(app.id);
  await rm(join(rooms.settings.logsDir, String(app.id)), { recursive: true, force: true });
  await collectGarbage(rooms, app);
}
