import type { App } from "../model/app.ts";
import { UserError } from "../model/error.ts";
import type { Formation } from "./formation.ts";
import type { Say } from "./operations.ts";
import type { Rooms } from "./rooms.ts";
import { publishRoutes } from "./routes.ts";
import { currentRelease, matchScale } from "./scale.ts";

/** Stops every process of the app until it is started or pushed again; visitors are told by a 503 page. */
export async function stop(rooms: Rooms, formation: Formation, app: App): Promise<void> {
  rooms.state.apps.setWanted(app.id, false);
  await formation.retire(app, formation.of(app.id));
  await formation.retired(app.id);
}

export async function start(rooms: Rooms, formation: Formation, app: App, say: Say): Promise<void> {
  const current = await currentRelease(rooms, app);
  if (current === null) throw new UserError(`App ${app.name} has not been deployed`);
  rooms.state.apps.setWanted(app.id, true);
  try {
    await matchScale(rooms, formation, app, current.release, current.image, say);
  } catch (error) {
    rooms.state.apps.setWanted(app.id, app.wanted);
    await publishRoutes(rooms);
    throw error;
  }
}
