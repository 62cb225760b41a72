import type { Process } from "../../model/process.ts";
import { defineReport } from "../report.ts";

export const psReport = defineReport({
  name: "ps:report",
  summary: "Show the processes of an app and their state, or of all apps",
  about: "ps",
  prefix: "ps-",
  rows({ state }, app) {
    const processes = state.processes
      .list(app.id)
      .filter((process) => process.releaseId === app.currentReleaseId);
    return {
      deployed: String(app.currentReleaseId !== null),
      processes: String(processes.length),
      "ps-can-scale": "true",
      // A process that ends is started again, after a pause that grows.
      "ps-restart-policy": "always",
      restore: String(app.wanted),
      running: running(processes),
      ...Object.fromEntries(
        processes.map((process) => [`status-${process.type}.${process.index}`, status(process)]),
      ),
    };
  },
});

function running(processes: readonly Process[]): string {
  const up = processes.filter((process) => process.state === "running").length;
  if (up === 0) return "false";
  return up === processes.length ? "true" : "mixed";
}

function status({ state, containerId }: Process): string {
  return `${state} (CID: ${containerId.slice(0, 11)})`;
}
