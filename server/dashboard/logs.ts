import { setTimeout as delay } from "node:timers/promises";
import type { LogQuery, Operations } from "../deploy/operations.ts";
import type { App } from "../model/app.ts";
import type { Release } from "../model/release.ts";
import type { State } from "../state/state.ts";
import { isRunning } from "./deploys.ts";
import {
  deployLineView,
  LogLineIds,
  logLineView,
  type DeployLineView,
  type LogLineView,
} from "./log-line-view.ts";

/** Lines that a page begins with. */
const firstLines = 100;
/** How far back a page that was away looks for what it missed. */
const missedLines = 2000;
/** A page of a deploy that runs shows what there is; the rest comes live. */
const runningLogMs = 150;

export async function recentLines(operations: Operations, app: App): Promise<LogLineView[]> {
  const query = { lines: firstLines, follow: false, signal: new AbortController().signal };
  const lines: LogLineView[] = [];
  for await (const line of numberedLines(operations, app, query)) lines.push(line);
  return lines;
}

/** Live lines after the one with id `after`, or from the last hundred on when it is empty. */
export async function* linesSince(
  operations: Operations,
  app: App,
  after: string,
  signal: AbortSignal,
): AsyncGenerator<LogLineView> {
  const lines = after === "" ? firstLines : missedLines;
  const [afterTime = "", afterNumber = "0"] = after.split("/");
  for await (const line of numberedLines(operations, app, { lines, follow: true, signal })) {
    if (line.at < afterTime) continue;
    if (line.at === afterTime && Number(line.id.split("/")[1]) <= Number(afterNumber)) continue;
    yield line;
  }
}

async function* numberedLines(
  operations: Operations,
  app: App,
  query: LogQuery,
): AsyncGenerator<LogLineView> {
  const ids = new LogLineIds();
  for await (const line of operations.logs(app, query)) yield logLineView(line, ids.next(line.at));
}

export async function deployLinesSoFar(operations: Operations, release: Release): Promise<DeployLineView[]> {
  const signal = isRunning(release) ? AbortSignal.timeout(runningLogMs) : new AbortController().signal;
  const lines: DeployLineView[] = [];
  for await (const line of operations.deployLog(release, signal)) lines.push(deployLineView(line));
  return lines;
}

/** Lines of a deploy after the first `seen`, until it has ended. */
export async function* deployLinesSince(
  state: State,
  operations: Operations,
  release: Release,
  seen: number,
  signal: AbortSignal,
): AsyncGenerator<{ number: number; line: DeployLineView }> {
  let next = seen;
  while (!signal.aborted) {
    const latest = state.releases.byId(release.id);
    const running = latest !== null && isRunning(latest);
    let number = 0;
    for await (const line of operations.deployLog(release, signal)) {
      number += 1;
      if (number <= next) continue;
      next = number;
      yield { number, line: deployLineView(line) };
    }
    if (!running) return;
    // Its log is opened a moment after the release is made.
    await delay(250, undefined, { signal }).catch(() => {});
  }
}
