import type { App } from "../model/app.ts";
import type { Image } from "../model/image.ts";
import type { Release } from "../model/release.ts";
import { UserError } from "../model/error.ts";
import type { Formation, Quantities } from "./formation.ts";
import type { Say } from "./operations.ts";
import type { Rooms } from "./rooms.ts";
import { showOutput } from "./show-output.ts";

/** Not a process that runs for long: Heroku's release phase. */
const releaseType = "release";

/** How many of each process type should run: what was asked for; else one web and none of the others. */
export function quantitiesOf({ state }: Rooms, app: App, image: Image): Quantities {
  const asked = state.scale.get(app.id);
  const types = Object.keys(image.processes).filter((type) => type !== releaseType);
  return new Map(types.map((type) => [type, asked.get(type) ?? (type === "web" ? 1 : 0)]));
}

/**
 * Makes `release` the one that serves: starts all of its processes, switches traffic in one step when every one is
 * ready, then drains and stops the old ones behind. When one does not get ready the old ones go on, and it throws.
 */
export async function rollOut(
  rooms: Rooms,
  formation: Formation,
  app: App,
  release: Release,
  image: Image,
  say: Say,
): Promise<void> {
  const quantities = quantitiesOf(rooms, app, image);
  const wanted = expand(quantities);
  for (const [type, count] of quantities) say(`-----> Deploying ${type} (count=${count})`);
  if (wanted.length === 0) say(" !     No process is scaled up: see ps:scale");
  const old = formation.of(app.id);
  const startedAt = Date.now();
  try {
    await formation.start(app, release, image, wanted);
  } catch (error) {
    await showOutput(rooms, app, startedAt, say);
    throw error;
  }
  for (const { type, index } of wanted) say(`       ${type}.${index} is up`);
  if (rooms.closing.aborted) throw new UserError("Slipway is stopping");

  rooms.state.transaction(() => {
    rooms.state.scale.set(app.id, quantities);
    rooms.state.apps.setWanted(app.id, true);
    rooms.state.releases.succeed(release.id);
  });
  await formation.retire(app, old);
}

/** web=2 is web.1 and web.2. */
export function expand(quantities: Quantities): { type: string; index: number }[] {
  return [...quantities].flatMap(([type, count]) =>
    Array.from({ length: count }, (_, position) => ({ type, index: position + 1 })),
  );
}
