import { defineCommand } from "../command.ts";
import { allFlag, appOrAll } from "../input.ts";
import { eachApp, notDeployed } from "./each-app.ts";

export const psRestart = defineCommand({
  name: "ps:restart",
  summary: "Restart an app with no request lost",
  role: "deploy",
  effect: "change",
  args: { app: appOrAll },
  flags: { all: allFlag },
  examples: ["ps:restart blog", "ps:restart --all"],
  run: (ctx, input) =>
    eachApp(ctx, input.app, "restart", async (app) => {
      // Not an error for Dokku: scripts restart whatever there is.
      if (app.currentReleaseId === null) return ctx.err(` !     ${notDeployed(app)}`);
      ctx.out(`-----> Restarting ${app.name}`);
      await ctx.operations.redeploy(app, "restart", ctx.actor, ctx.out);
    }),
});
