import type { App } from "../../model/app.ts";
import type { CommandContext } from "../command.ts";

export const noRestartFlag = {
  kind: "switch",
  summary: "the running processes keep their old environment until the next deploy",
} as const;

/** Running processes get changed config by a release of their own; an app that does not run gets it when it starts. */
export async function restartWithNewConfig(ctx: CommandContext, app: App): Promise<void> {
  if (app.currentReleaseId === null || !app.wanted) return;
  ctx.out(`-----> Restarting app ${app.name}`);
  await ctx.operations.redeploy(app, "config", ctx.actor, ctx.out);
}
