import { UserError } from "../../model/error.ts";
import { defineCommand } from "../command.ts";
import { allFlag, appOrAll } from "../input.ts";
import { eachApp, notDeployed } from "./each-app.ts";

export const psStart = defineCommand({
  name: "ps:start",
  summary: "Start the processes of a stopped app",
  role: "deploy",
  effect: "change",
  args: { app: appOrAll },
  flags: { all: allFlag },
  examples: ["ps:start blog", "ps:start --all"],
  run: (ctx, input) =>
    eachApp(ctx, input.app, "start", async (app) => {
      if (app.currentReleaseId === null) throw new UserError(notDeployed(app));
      if (app.wanted) return ctx.err(` !     App ${app.name} already running`);
      ctx.out(`-----> Starting ${app.name}`);
      await ctx.operations.start(app, ctx.actor, ctx.out);
    }),
});
