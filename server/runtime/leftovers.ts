import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { processStartTime } from "./process-identity.ts";
import type { Init } from "./monitor-client.ts";

const cgroups = "/sys/fs/cgroup";

/** Resolves when the container's first process, and so everything in it, is gone: its monitor was killed, and it dies of that. */
export async function untilGone(init: Init): Promise<void> {
  while (processStartTime(init.pid) === init.startTime) await delay(5);
}

/** Removes the control group that those of all containers are in; it stays while another server has containers. */
export async function removeCgroupRoot(): Promise<void> {
  await removeCgroups("");
}

/** Removes the control groups that a monitor removes itself unless it was killed: v2's, or one for each v1 controller. */
export async function removeCgroups(containerId: string): Promise<void> {
  const mounts = [cgroups, ...(await readdir(cgroups)).map((name) => join(cgroups, name))];
  await Promise.all(mounts.map((mount) => rmdir(join(mount, "slipway", containerId)).catch(() => {})));
}
