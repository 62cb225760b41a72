import type { Repositories } from "../../git/repositories.ts";
import { requireApp } from "../access.ts";
import { defineRawCommand } from "../command.ts";
import { appNameOfPath } from "./app-name-of-path.ts";
import { relay } from "./relay.ts";

/** `git clone` and `git fetch` of an app's repository. */
export function uploadPack(repositories: Repositories) {
  return defineRawCommand({
    name: "git-upload-pack",
    summary: "serve a git clone or fetch",
    role: "deploy",
    effect: "read",
    args: { app: { kind: "app-name" } },
    flags: {},
    examples: ["git clone slipway:blog"],
    async run(ctx, input) {
      const app = requireApp(ctx.state, ctx.actor, appNameOfPath(input.app));
      const child = repositories.uploadPack(app.id, ctx.env["GIT_PROTOCOL"]);
      return await relay(ctx, child, () => child.kill());
    },
  });
}
