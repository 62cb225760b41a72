import { join } from "node:path";
import type { App } from "../model/app.ts";
import { pruneLogs } from "../runtime/log-files.ts";
import type { Rooms } from "./rooms.ts";

/** Keeps disk use bounded: old log files of the app, and images that no kept release and no process needs. */
export async function collectGarbage(rooms: Rooms, app: App): Promise<void> {
  const { settings, images } = rooms;
  await pruneLogs(join(settings.logsDir, String(app.id)), settings.logBytesPerApp);
  await images.removeUnused(neededImages(rooms));
}

/** Images of each app's current release, of releases in work, of its processes, and of its last good releases. */
function neededImages({ state, settings }: Rooms): string[] {
  const needed = new Set<string>();
  for (const app of state.apps.list()) {
    const running = new Set(state.processes.list(app.id).map((process) => process.releaseId));
    let kept = 0;
    for (const release of state.releases.list(app.id, 1000)) {
      if (release.imageDigest === null) continue;
      const inUse =
        release.id === app.currentReleaseId || running.has(release.id) || release.status === "deploying";
      const recent = release.status === "succeeded" && kept < settings.keptReleases;
      if (recent) kept += 1;
      if (inUse || recent) needed.add(release.imageDigest);
    }
  }
  return [...needed];
}
