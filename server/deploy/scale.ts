import type { App } from "../model/app.ts";
import { UserError } from "../model/error.ts";
import type { Image } from "../model/image.ts";
import type { Release } from "../model/release.ts";
import type { Formation, Quantities } from "./formation.ts";
import type { Say } from "./operations.ts";
import { expand, quantitiesOf } from "./roll-out.ts";
import type { Rooms } from "./rooms.ts";
import { publishRoutes } from "./routes.ts";

/** Stores the wanted quantities; of a running app, starts what is missing, then retires what is too much. */
export async function scale(
  rooms: Rooms,
  formation: Formation,
  app: App,
  quantities: Quantities,
  say: Say,
): Promise<void> {
  const { state } = rooms;
  const current = await currentRelease(rooms, app);
  for (const type of quantities.keys()) {
    if (current !== null && !(type in current.image.processes)) {
      throw new UserError(`${type} is not a valid process name to scale up`);
    }
  }
  const before = state.scale.get(app.id);
  state.scale.set(app.id, quantities);
  if (current === null || !app.wanted) return;
  try {
    await matchScale(rooms, formation, app, current.release, current.image, say);
  } catch (error) {
    state.scale.set(app.id, new Map([...quantities.keys()].map((type) => [type, before.get(type) ?? 0])));
    throw error;
  }
}

/** Brings the running processes of the current release to the wanted quantities. */
export async function matchScale(
  rooms: Rooms,
  formation: Formation,
  app: App,
  release: Release,
  image: Image,
  say: Say,
): Promise<void> {
  const wanted = expand(quantitiesOf(rooms, app, image));
  const wantedNames = new Set(wanted.map(({ type, index }) => `${type}.${index}`));
  const running = formation.of(app.id);
  const runningNames = new Set(running.map(({ name }) => name));
  const missing = wanted.filter(({ type, index }) => !runningNames.has(`${type}.${index}`));
  for (const { type, index } of missing) say(`-----> Starting ${type}.${index}`);
  await formation.start(app, release, image, missing);
  await publishRoutes(rooms);
  const surplus = running.filter(({ name }) => !wantedNames.has(name));
  for (const { name } of surplus) say(`-----> Stopping ${name}`);
  await formation.retire(app, surplus);
}

/** The release that serves and its image, null before the first deploy. */
export async function currentRelease(
  { state, images }: Rooms,
  app: App,
): Promise<{ release: Release; image: Image } | null> {
  const release = app.currentReleaseId === null ? null : state.releases.byId(app.currentReleaseId);
  if (release === null || release.imageDigest === null) return null;
  return { release, image: await images.getImage(release.imageDigest) };
}
