import { once } from "node:events";
import type { Repositories } from "../../git/repositories.ts";
import { requireApp } from "../access.ts";
import { defineRawCommand } from "../command.ts";
import { appNameOfPath } from "./app-name-of-path.ts";

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
      const { stdin, stdout, stderr } = child;
      if (stdin === null || stdout === null || stderr === null)
        throw new Error("git was started without pipes");
      ctx.signal.addEventListener("abort", () => child.kill(), { once: true });
      stdin.on("error", () => {});
      ctx.stdin.pipe(stdin);
      stdout.pipe(ctx.stdout, { end: false });
      stderr.pipe(ctx.stderr, { end: false });
      const [code] = (await once(child, "close")) as [number | null];
      return code ?? 1;
    },
  });
}
