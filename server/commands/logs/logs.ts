import { UserError } from "../../model/error.ts";
import type { LogLine } from "../../model/log-line.ts";
import { defineCommand } from "../command.ts";
import { app } from "../input.ts";
import { notDeployed } from "../ps/each-app.ts";

/** Cyan, yellow, green, magenta, red (ECMA-48 SGR), as Dokku gives them to processes in turn. */
const colours = [36, 33, 32, 35, 31];

export const logs = defineCommand({
  name: "logs",
  summary: "Show what an app wrote, and with -t what it writes from now on",
  role: "deploy",
  effect: "read",
  args: { app },
  flags: {
    tail: { kind: "switch", short: "t", summary: "go on with new lines until interrupted" },
    num: {
      kind: "number",
      short: "n",
      label: "lines",
      summary: "how many lines to begin with, 100 if not given",
    },
    ps: { kind: "text", short: "p", label: "process", summary: "of one process (web.1) or type (web) only" },
    quiet: { kind: "switch", short: "q", summary: "only what the app wrote, no time and process" },
  },
  examples: ["logs blog", "logs blog -t", "logs blog -n 20 -p web"],
  async run(ctx, input) {
    // One whose first deploy failed may have written why.
    if (ctx.state.releases.list(input.app.id, 1).length === 0) throw new UserError(notDeployed(input.app));
    const raw = input.quiet || ctx.quiet;
    const prefix = prefixes();
    const lines = ctx.operations.logs(input.app, {
      lines: input.num ?? 100,
      ...(input.ps !== null && { process: input.ps }),
      follow: input.tail,
      signal: ctx.signal,
    });
    for await (const line of lines) {
      ctx.out(raw ? line.text : `${prefix(line)} ${line.text}`);
      await ctx.drained();
    }
  },
});

/** "2026-01-01T00:00:00.123456789Z app[web.1]:" in a colour of each process's own. */
function prefixes(): (line: LogLine) => string {
  const seen = new Map<string, number>();
  return ({ process, at }) => {
    const number = seen.get(process) ?? seen.size;
    seen.set(process, number);
    return `\u001b[${colours[number % colours.length]}m${at} app[${process}]:\u001b[0m`;
  };
}
