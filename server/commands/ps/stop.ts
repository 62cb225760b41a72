import { UserError } from "../../model/error.ts";
import { defineCommand } from "../command.ts";
import { allFlag, appOrAll } from "../input.ts";
import { eachApp, notDeployed } from "./each-app.ts";

export const psStop = defineCommand({
  name: "ps:stop",
  summary: "Stop all processes of an app until it is started or pushed again",
  role: "deploy",
  effect: "change",
  args: { app: appOrAll },
  flags: { all: allFlag },
  examples: ["ps:stop blog", "ps:stop --all"],
  run: (ctx, input) =>
    eachApp(ctx, input.app, "stop", async (app) => {
      if (app.currentReleaseId === null) throw new UserError(notDeployed(app));
      ctx.out(`-----> Stopping ${app.name}`);
      await ctx.operations.stop(app, ctx.actor, ctx.out);
    }),
});
