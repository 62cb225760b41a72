import type { App } from "../model/app.ts";
import { describeExit } from "../model/container.ts";
import { UserError } from "../model/error.ts";
import type { Image } from "../model/image.ts";
import type { Release } from "../model/release.ts";
import { newContainerId, planContainer } from "./container-plan.ts";
import type { Say } from "./operations.ts";
import type { Rooms } from "./rooms.ts";

const timeLimitMs = 10 * 60_000;

/** Runs the Procfile's `release` command (migrations and the like) in a container of the new image. Throws when it fails. */
export async function runReleasePhase(
  rooms: Rooms,
  app: App,
  release: Release,
  image: Image,
  say: Say,
): Promise<void> {
  const command = image.processes["release"];
  if (command === undefined) return;
  say("-----> Executing release task from Procfile in a one-off container");
  const planned = { app, release, image, command, type: "release", index: 1 };
  const spec = planContainer(rooms, newContainerId(app, "release"), planned);
  const exit = await rooms.runtime.run(spec, {
    onLine: ({ text }) => say(`       ${text}`),
    signal: rooms.closing,
    timeoutMs: timeLimitMs,
  });
  if (exit.code !== 0) throw new UserError(`Execution of release task failed (${describeExit(exit)})`);
}
