import { readdir, readFile } from "node:fs/promises";
import { LocalServer } from "../../deploy/local-server.ts";
import { Project } from "../support/project.ts";

/** idle_mb: PSS of every process of a Slipway without apps. monitor_kb: PSS of the monitor of one container. */
export async function memory(): Promise<{ idle_mb: number; monitor_kb: number }> {
  const server = await LocalServer.start();
  const project = await Project.create(server, "one", "procfile-web-worker");
  try {
    await server.ssh("version");
    const idle = await processesOf(server.directory);
    const idleKb = await sum(idle);
    await project.deploy();
    const monitors = (await processesOf("slipway-monitor")).filter((pid) => !idle.includes(pid));
    const sizes = await Promise.all(monitors.map(pssKb));
    return { idle_mb: idleKb / 1024, monitor_kb: Math.max(...sizes) };
  } finally {
    await server.close();
    await project.remove();
  }
}

/** Pids whose command line names `text`. */
async function processesOf(text: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return pids.filter((pid, index) => pid !== process.pid && lines[index]?.includes(text));
}

async function sum(pids: readonly number[]): Promise<number> {
  return (await Promise.all(pids.map(pssKb))).reduce((total, size) => total + size, 0);
}

/** Proportional set size in KiB (proc_pid_smaps_rollup: Pss). */
export async function pssKb(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
}
