import type { App } from "../../model/app.ts";
import { UserError } from "../../model/error.ts";
import { visibleApps } from "../access.ts";
import { ExitStatus, type CommandContext } from "../command.ts";

/** Acts on one app or, with null, on all that the actor may use, one after the other; a failure does not stop the rest. */
export async function eachApp(
  ctx: CommandContext,
  app: App | null,
  verb: string,
  act: (app: App) => Promise<void>,
): Promise<void> {
  if (app !== null) return await act(app);
  let failed = false;
  for (const each of visibleApps(ctx.state, ctx.actor)) {
    ctx.out(`-----> Running ${verb} against app ${each.name}`);
    try {
      await act(each);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      ctx.err(` !     ${error.message}`);
      failed = true;
    }
  }
  if (failed) throw new ExitStatus(1);
}

export function notDeployed(app: App): string {
  return `App ${app.name} has not been deployed`;
}
