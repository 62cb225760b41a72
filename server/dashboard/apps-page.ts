import { visibleApps } from "../commands/access.ts";
import type { Operations } from "../deploy/operations.ts";
import type { App } from "../model/app.ts";
import type { Actor } from "../model/key.ts";
import type { State } from "../state/state.ts";
import { appState, type AppState } from "./app-state.ts";
import { deployView, type DeployView } from "./deploys.ts";
import { linkView, type LinkView } from "./link.ts";

interface AppRow {
  readonly name: string;
  readonly state: AppState;
  readonly url: LinkView | null;
  readonly deploy: DeployView | null;
}

export interface AppList {
  readonly apps: readonly AppRow[];
  readonly summary: string;
  readonly isAdmin: boolean;
}

export function appList(state: State, operations: Operations, actor: Actor, now: number): AppList {
  const apps = visibleApps(state, actor).map((app) => appRow(state, operations, app, now));
  return { apps, summary: summary(apps), isAdmin: actor.role === "admin" };
}

function appRow(state: State, operations: Operations, app: App, now: number): AppRow {
  const [latest] = state.releases.list(app.id, 1);
  const [url] = operations.urls(app);
  return {
    name: app.name,
    state: appState(app, state.processes.list(app.id), state.scale.get(app.id)),
    url: url === undefined ? null : linkView(url),
    deploy: latest === undefined ? null : deployView(app.name, latest, app.currentReleaseId, now),
  };
}

function summary(apps: readonly AppRow[]): string {
  const total = `${apps.length} ${apps.length === 1 ? "app" : "apps"}`;
  const troubled = apps.filter(({ state }) => state.tone === "bad").length;
  if (troubled === 0) return total;
  return `${total}, ${troubled} ${troubled === 1 ? "needs" : "need"} attention`;
}
