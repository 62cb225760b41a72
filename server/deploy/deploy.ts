import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { log } from "../lib/log.ts";
import { removeTree } from "../lib/remove-tree.ts";
import type { App } from "../model/app.ts";
import { messageOf, UserError } from "../model/error.ts";
import type { Image } from "../model/image.ts";
import type { Actor } from "../model/key.ts";
import type { Release } from "../model/release.ts";
import { collectGarbage } from "./collect-garbage.ts";
import type { Formation } from "./formation.ts";
import type { PushedCommit, Say } from "./operations.ts";
import { runReleasePhase } from "./release-phase.ts";
import { rollOut } from "./roll-out.ts";
import type { Rooms } from "./rooms.ts";
import { currentRelease } from "./scale.ts";
import { urlsOf } from "./urls.ts";

/** Builds a pushed commit and puts it live. */
export async function deployCommit(
  rooms: Rooms,
  formation: Formation,
  app: App,
  pushed: PushedCommit,
  actor: Actor,
  say: Say,
): Promise<Release> {
  const { state } = rooms;
  const release = state.releases.create({
    appId: app.id,
    source: "push",
    author: actor.name,
    commit: pushed.commit,
    imageDigest: null,
  });
  return await recorded(rooms, app, release, actor, say, async (tell) => {
    const image = await buildImage(rooms, app, release, pushed, tell);
    state.releases.setImage(release.id, image.digest);
    tell(`-----> Releasing ${app.name} v${release.version}`);
    await runReleasePhase(rooms, app, release, image, tell);
    await rollOut(rooms, formation, app, release, image, tell);
    tell("=====> Application deployed:");
    for (const url of urlsOf(rooms, app)) tell(`       ${url}`);
  });
}

/** Puts the image of the current release live again, with the config of now. */
export async function redeploy(
  rooms: Rooms,
  formation: Formation,
  app: App,
  source: "config" | "restart",
  actor: Actor,
  say: Say,
): Promise<Release> {
  const { state } = rooms;
  const current = await currentRelease(rooms, app);
  if (current === null) throw new UserError(`App ${app.name} has not been deployed`);
  const { image } = current;
  const release = state.releases.create({
    appId: app.id,
    source,
    author: actor.name,
    commit: current.release.commit,
    imageDigest: image.digest,
  });
  return await recorded(rooms, app, release, actor, say, async (tell) => {
    await rollOut(rooms, formation, app, release, image, tell);
  });
}

async function buildImage(
  rooms: Rooms,
  app: App,
  release: Release,
  { commit, gitEnv }: PushedCommit,
  tell: Say,
): Promise<Image> {
  const sourceDir = join(rooms.settings.buildsDir, `${app.id}-v${release.version}-source`);
  await mkdir(rooms.settings.buildsDir, { recursive: true, mode: 0o700 });
  tell(`-----> Building ${app.name} from ${commit.slice(0, 8)}`);
  try {
    await rooms.repositories.checkout(app.id, commit, sourceDir, gitEnv);
    return await rooms.build({
      app,
      sourceDir,
      env: Object.fromEntries(rooms.state.configVars.merged(app.id)),
      signal: rooms.closing,
      onLine: ({ text }) => tell(text),
    });
  } finally {
    await removeTree(sourceDir);
  }
}

/** Runs the steps of a release with its log kept, and records how it ended. */
async function recorded(
  rooms: Rooms,
  app: App,
  release: Release,
  actor: Actor,
  say: Say,
  steps: (tell: Say) => Promise<void>,
): Promise<Release> {
  const { state, deployLogs } = rooms;
  const deployLog = await deployLogs.open(release);
  const tell: Say = (line) => {
    deployLog.write(line);
    say(line);
  };
  try {
    await steps(tell);
    rooms.tell("deploy.succeeded", app, actor.name, `v${release.version} is live`);
    void rooms.emit("deploySucceeded", { ...about(app, release, actor), urls: urlsOf(rooms, app) });
  } catch (error) {
    const reason = reasonOf(error, app, release);
    state.releases.fail(release.id, reason);
    deployLog.write(` !     ${reason}`);
    rooms.tell("deploy.failed", app, actor.name, `v${release.version}: ${reason}`);
    void rooms.emit("deployFailed", { ...about(app, release, actor), reason });
    throw new UserError(reason, { cause: error });
  } finally {
    await deployLog.end();
    collectGarbage(rooms, app).catch((error: unknown) =>
      log("garbage not collected", { error: messageOf(error) }),
    );
  }
  return state.releases.byId(release.id) ?? release;
}

function about(app: App, release: Release, actor: Actor) {
  return { app: app.name, version: release.version, actor: actor.name };
}

/** The last line that the client sees: the cause when it is the user's, else where to look. */
function reasonOf(error: unknown, app: App, release: Release): string {
  if (error instanceof UserError) return error.message;
  log("deploy failed", {
    app: app.name,
    release: release.version,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return `Slipway could not finish v${release.version} of ${app.name} (${messageOf(error).slice(0, 200)}); its log has the detail`;
}
