import { visibleApps } from "../access.ts";
import { defineCommand } from "../command.ts";
import { noApps } from "../report.ts";

export const appsList = defineCommand({
  name: "apps:list",
  summary: "List your apps",
  role: "deploy",
  effect: "read",
  args: {},
  flags: {},
  examples: ["apps:list", "--quiet apps:list"],
  run(ctx) {
    const names = visibleApps(ctx.state, ctx.actor).map((app) => app.name);
    if (names.length === 0) ctx.err(` !     ${noApps}`);
    return names;
  },
  text: (names, { quiet }) => (quiet || names.length === 0 ? names : ["=====> My Apps", ...names]),
});
