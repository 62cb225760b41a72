import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunningContainer } from "../../server/model/container.ts";
import { ContainerRoom } from "../support/containers.ts";
import { pssKb } from "./memory.ts";

const containers = 300;
const atATime = 8;

/** What many containers cost that do nothing. kb_each: PSS of a container's monitor and first process, without the app's own. */
export async function idleContainers(): Promise<{ started_per_s: number; kb_each: number }> {
  const room = await ContainerRoom.open();
  const running: RunningContainer[] = [];
  try {
    let left = containers;
    const startSome = async () => {
      while (left-- > 0) {
        const spec = room.spec(["/bin/sleep", "infinity"], { network: true });
        running.push(await room.runtime.start(spec, join(room.directory, "logs", spec.id)));
      }
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: atATime }, startSome));
    const seconds = (performance.now() - started) / 1000;

    let kb = 0;
    for (const { pid } of running) kb += (await pssKb(pid)) + (await pssKb(await parentOf(pid)));
    return { started_per_s: containers / seconds, kb_each: kb / containers };
  } finally {
    await Promise.all(running.map((container) => container.stop(0)));
    await room.close();
  }
}

/** Field 4 of /proc/PID/stat (proc_pid_stat(5)); the name before it may hold anything. */
async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
