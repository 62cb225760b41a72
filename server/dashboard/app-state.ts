import type { App } from "../model/app.ts";
import type { Process } from "../model/process.ts";

/** Colour of a dot; it never stands without its word. */
export type Tone = "good" | "warn" | "bad" | "idle";

export interface AppState {
  readonly tone: Tone;
  readonly word: string;
  /** Processes that are ready, and how many should be. */
  readonly ready: number;
  readonly wanted: number;
}

/** What is true about the app's processes now, whatever its last deploy did. */
export function appState(
  app: App,
  processes: readonly Process[],
  scale: ReadonlyMap<string, number>,
): AppState {
  // Processes of another release are a deploy's that is not through, or drain.
  const current = processes.filter(
    ({ releaseId, state }) => releaseId === app.currentReleaseId && state !== "stopping",
  );
  const ready = current.filter(({ state }) => state === "running").length;
  const total = [...scale.values()].reduce((sum, count) => sum + count, 0);
  const wanted = app.wanted && app.currentReleaseId !== null ? total : 0;
  return { ...describe(app, processes, current, ready, wanted), ready, wanted };
}

function describe(
  app: App,
  all: readonly Process[],
  current: readonly Process[],
  ready: number,
  wanted: number,
): { tone: Tone; word: string } {
  if (app.currentReleaseId === null) return { tone: "idle", word: "not deployed" };
  if (!app.wanted)
    return all.length > 0 ? { tone: "warn", word: "stopping" } : { tone: "idle", word: "stopped" };
  if (wanted === 0) return { tone: "idle", word: "scaled to zero" };
  if (current.some(({ state }) => state === "exited")) return { tone: "bad", word: "crashed" };
  if (current.some(isRestarting)) return { tone: ready === 0 ? "bad" : "warn", word: "restarting" };
  if (current.some(({ state }) => state === "starting")) return { tone: "warn", word: "starting" };
  if (ready === 0) return { tone: "bad", word: "down" };
  if (ready < wanted) return { tone: "warn", word: "degraded" };
  return { tone: "good", word: "running" };
}

function isRestarting({ state, restarts }: Process): boolean {
  return state === "backoff" || (state === "starting" && restarts > 0);
}
