import type { Operations } from "../deploy/operations.ts";
import type { App } from "../model/app.ts";
import type { Process, ProcessState } from "../model/process.ts";
import type { State } from "../state/state.ts";
import type { ActionNotice } from "./app-actions.ts";
import { appState, type AppState, type Tone } from "./app-state.ts";
import { deployView, isRunning, type DeployView } from "./deploys.ts";
import { linkView, type LinkView } from "./link.ts";
import { moment, type Moment } from "./time.ts";

interface ProcessView {
  readonly name: string;
  readonly tone: Tone;
  readonly word: string;
  readonly since: Moment;
  readonly restarts: number;
  readonly lastExit: string | null;
  readonly version: number | null;
}

export interface AppPage {
  readonly name: string;
  readonly state: AppState;
  readonly deployed: boolean;
  readonly stopped: boolean;
  readonly busy: boolean;
  readonly urls: readonly LinkView[];
  readonly notice: ActionNotice | null;
  /** The deploy that runs now. */
  readonly running: DeployView | null;
  readonly processes: readonly ProcessView[];
  readonly releases: readonly DeployView[];
}

export function appPage(
  state: State,
  operations: Operations,
  app: App,
  notice: ActionNotice | null,
  now: number,
): AppPage {
  const releases = state.releases.list(app.id);
  const processes = state.processes.list(app.id);
  const versions = new Map(releases.map(({ id, version }) => [id, version]));
  const running = releases.find(isRunning);
  const view = (release: (typeof releases)[number]) =>
    deployView(app.name, release, app.currentReleaseId, now);
  return {
    name: app.name,
    state: appState(app, processes, state.scale.get(app.id)),
    deployed: app.currentReleaseId !== null,
    stopped: !app.wanted,
    busy: notice?.running === true,
    urls: operations.urls(app).map(linkView),
    notice,
    running: running === undefined ? null : view(running),
    processes: processes.map((process) => processView(process, versions.get(process.releaseId) ?? null, now)),
    releases: releases.map(view),
  };
}

const processWords: Record<ProcessState, { tone: Tone; word: string }> = {
  starting: { tone: "warn", word: "starting" },
  running: { tone: "good", word: "running" },
  backoff: { tone: "bad", word: "restarting" },
  stopping: { tone: "idle", word: "stopping" },
  exited: { tone: "bad", word: "crashed" },
};

function processView(process: Process, version: number | null, now: number): ProcessView {
  return {
    name: `${process.type}.${process.index}`,
    ...processWords[process.state],
    since: moment(process.startedAt, now),
    restarts: process.restarts,
    lastExit: process.lastExit,
    version,
  };
}
