import { join } from "node:path";
import type { App } from "../model/app.ts";
import { readLogs } from "../runtime/log-files.ts";
import type { Say } from "./operations.ts";
import type { Rooms } from "./rooms.ts";

const mostLines = 30;

/** Shows what the app's processes wrote last, of what they wrote since `since` (Unix milliseconds): there the cause of a failed start is. */
export async function showOutput({ settings }: Rooms, app: App, since: number, say: Say): Promise<void> {
  const query = { lines: mostLines, follow: false, signal: new AbortController().signal };
  const from = new Date(since).toISOString();
  const lines: string[] = [];
  for await (const { at, process, text } of readLogs({
    dir: join(settings.logsDir, String(app.id)),
    ...query,
  })) {
    if (at >= from) lines.push(`       ${process}  ${text}`);
  }
  if (lines.length === 0) return;
  say("=====> What the app wrote in the meantime:");
  for (const line of lines) say(line);
}
