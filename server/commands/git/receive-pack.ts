import { AppQueue } from "../../deploy/app-queue.ts";
import type { HookServer, Push, RefUpdate } from "../../git/hook-server.ts";
import type { Repositories } from "../../git/repositories.ts";
import type { App } from "../../model/app.ts";
import { UserError } from "../../model/error.ts";
import { requireAppOrFreeName } from "../access.ts";
import { newApp } from "../apps/new-app.ts";
import { defineRawCommand, type RawContext } from "../command.ts";
import { appNameOfPath } from "./app-name-of-path.ts";
import { relay } from "./relay.ts";

const branchPrefix = "refs/heads/";
const noCommit = /^0+$/;

/** `git push`: takes the objects, and deploys inside git's pre-receive hook so that a failed deploy rejects the push. */
export function receivePack(repositories: Repositories, hooks: HookServer) {
  // A push waits before git tells the client what is there: what it then sends builds on the push before it.
  const pushes = new AppQueue("push");
  return defineRawCommand({
    name: "git-receive-pack",
    summary: "take a git push and deploy it",
    role: "deploy",
    effect: "change",
    args: { app: { kind: "app-name" } },
    flags: {},
    examples: ["git push slipway main"],
    async run(ctx, input) {
      const name = appNameOfPath(input.app);
      const known = requireAppOrFreeName(ctx.state, ctx.actor, name);
      const app = known ?? (await newApp(ctx, name));
      return await pushes.run(
        app.id,
        (line) => ctx.err(line),
        async () => {
          if (ctx.signal.aborted) return 1;
          let pushed = false;
          const token = hooks.expect(async (push) => {
            pushed = true;
            return await acceptPush(ctx, repositories, app, push);
          });
          try {
            // Told nothing of a client that goes away, git waits for the deploy and stores its ref.
            return await relay(ctx, repositories.receivePack(app.id, token), () => {});
          } finally {
            hooks.forget(token);
            // git asks for the repository before it finds that there is nothing to push: then no app must stay behind.
            if (known === null && !pushed) await ctx.operations.destroyApp(app, ctx.actor);
          }
        },
      );
    },
  });
}

/** True accepts the push. */
async function acceptPush(
  ctx: RawContext,
  repositories: Repositories,
  app: App,
  push: Push,
): Promise<boolean> {
  const { say } = push;
  try {
    const current = ctx.state.apps.get(app.name);
    const branch = current.deployBranch ?? firstBranch(push.refs);
    const update = push.refs.find((ref) => ref.name === branchPrefix + branch);
    if (branch === null || update === undefined) {
      say(`-----> WARNING: deploy did not complete, you must push to ${branch ?? "a branch"}.`);
      say(`-----> for example, try 'git push <remote> HEAD:${branch ?? "main"}'`);
      return true;
    }
    if (noCommit.test(update.new))
      throw new UserError(`${branch} is the branch that is deployed and cannot be deleted`);
    if (current.deployBranch === null) say(`-----> Set ${branch} as deploy-branch`);
    await ctx.operations.deployCommit(current, { commit: update.new, gitEnv: push.gitEnv }, ctx.actor, say);
    if (current.deployBranch === null) {
      ctx.state.apps.setDeployBranch(app.id, branch);
      await repositories.setHead(app.id, branch);
    }
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(` !     ${error.message}`);
    return false;
  }
}

/** What the first push makes the deploy branch: main or master when they are among the pushed, else the first branch. */
function firstBranch(refs: readonly RefUpdate[]): string | null {
  const branches = refs
    .filter((ref) => ref.name.startsWith(branchPrefix) && !noCommit.test(ref.new))
    .map((ref) => ref.name.slice(branchPrefix.length));
  return ["main", "master"].find((name) => branches.includes(name)) ?? branches[0] ?? null;
}
