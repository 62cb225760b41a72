import { UserError } from "../../model/error.ts";
import { defineCommand } from "../command.ts";
import { app } from "../input.ts";

export const appsDestroy = defineCommand({
  name: "apps:destroy",
  summary: "Destroy an app and everything that belongs to it, after a confirmation (--force skips it)",
  role: "deploy",
  effect: "change",
  args: { app },
  flags: {},
  examples: ["apps:destroy blog", "--force apps:destroy blog"],
  async run(ctx, input) {
    const { name } = input.app;
    if (!ctx.force) {
      ctx.err(" !     WARNING: Potentially Destructive Action");
      ctx.err(` !     This command will destroy app ${name}.`);
      ctx.err(` !     To proceed, type "${name}"`);
      const answer = await ctx.ask("> ");
      if (answer !== name) throw new UserError(`Confirmation did not match ${name}. Aborted.`);
    }
    ctx.out(`-----> Destroying ${name} (including all add-ons)`);
    await ctx.operations.destroyApp(input.app, ctx.actor);
    ctx.out("-----> Cleaning up...");
    ctx.out("-----> Retiring old containers and images");
  },
});
