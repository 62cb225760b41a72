import type { App } from "../model/app.ts";
import type { Process } from "../model/process.ts";
import type { Route, Upstream } from "../model/route.ts";
import type { Rooms } from "./rooms.ts";

/** All host names that reach the app: its own under the server's domain (a name with a dot is one already), and the added ones. */
export function hostsOf({ state, settings }: Rooms, app: App): string[] {
  const own = app.name.includes(".") ? app.name : `${app.name}.${settings.domain}`;
  return [own, ...state.domains.list(app.id)];
}

/** The table that the state asks for: traffic goes to the ready web processes of each app's current release. */
export function routesOf(rooms: Rooms): Route[] {
  const { state } = rooms;
  return state.apps.list().map((app) => ({
    app: app.name,
    hosts: hostsOf(rooms, app),
    stopped: !app.wanted,
    release: currentVersion(rooms, app),
    upstreams: state.processes
      .list(app.id)
      .filter((process) => process.releaseId === app.currentReleaseId)
      .flatMap(toUpstream),
  }));
}

function currentVersion({ state }: Rooms, app: App): number {
  return app.currentReleaseId === null ? 0 : (state.releases.byId(app.currentReleaseId)?.version ?? 0);
}

function toUpstream(process: Process): Upstream[] {
  const { containerId: id, pid, pidStartTime, port, state } = process;
  if (state !== "running" || pid === null || pidStartTime === null || port === null) return [];
  return [{ id, pid, pidStartTime, port }];
}

/** Resolves once every later request goes by the present state. */
export async function publishRoutes(rooms: Rooms): Promise<void> {
  await rooms.router.publish(routesOf(rooms));
}
