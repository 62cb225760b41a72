import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { App } from "../model/app.ts";
import type { ContainerSpec } from "../model/container.ts";
import type { Image, ProcessCommand } from "../model/image.ts";
import type { Release } from "../model/release.ts";
import type { Rooms } from "./rooms.ts";

/** Every process has a network namespace of its own, so that all can listen on one port. */
export const webPort = 5000;

const appUser = { uid: 1000, gid: 1000 };
const processLimits = { cpuShares: 1024, cpus: null, pids: 1024, openFiles: 65_536 };

export interface PlannedProcess {
  readonly app: App;
  readonly release: Release;
  readonly image: Image;
  readonly command: ProcessCommand;
  readonly type: string;
  readonly index: number;
}

/** A new container's id: never used twice, its first digits are what ps:report shows; then readable. */
export function newContainerId(app: App, process: string): string {
  const readable = `${app.name}-${process}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return `${randomBytes(6).toString("hex")}-${readable.slice(0, 34)}`.replace(/-+$/, "");
}

/** The container of one process: the image's layers and command, the app's config and limits. */
export function planContainer(rooms: Rooms, id: string, planned: PlannedProcess): ContainerSpec {
  const { app, image, command, type, index } = planned;
  const { stack, images, settings } = rooms;
  return {
    id,
    hostname: id,
    layers: [...stack.layers, ...image.layers.map((digest) => images.layerPath(digest))],
    mounts: stack.mounts,
    argv: command.argv,
    env: processEnvironment(rooms, planned, `${type}.${index}`),
    cwd: command.cwd,
    user: appUser,
    idBase: app.idBase,
    limits: { ...processLimits, memoryBytes: settings.memoryBytes },
    network: true,
  };
}

/** Image variables, then the platform's, then config vars: what the user sets wins, except who the process is. */
function processEnvironment(rooms: Rooms, planned: PlannedProcess, dyno: string): Record<string, string> {
  const { app, release, command, type } = planned;
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: "/app",
    LANG: "C.UTF-8",
    ...command.env,
    ...(type === "web" && { PORT: String(webPort) }),
    ...(release.commit !== null && { GIT_REV: release.commit }),
    ...Object.fromEntries(rooms.state.configVars.merged(app.id)),
    DYNO: dyno,
  };
}

/** Port that a process serves on: what the user says in PORT, else ours; null when it serves nothing. */
export function servedPort(rooms: Rooms, app: App, type: string): number | null {
  if (type !== "web") return null;
  const wanted = Number(rooms.state.configVars.merged(app.id).get("PORT"));
  return Number.isInteger(wanted) && wanted > 0 && wanted < 65_536 ? wanted : webPort;
}

export function logFile(rooms: Rooms, app: App, process: string, containerId: string): string {
  return join(rooms.settings.logsDir, String(app.id), `${process}.${containerId}.log`);
}
