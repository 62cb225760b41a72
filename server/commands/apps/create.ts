import { defineCommand } from "../command.ts";
import { newApp } from "./new-app.ts";

export const appsCreate = defineCommand({
  name: "apps:create",
  summary: "Create a new app",
  role: "deploy",
  effect: "change",
  args: { app: { kind: "app-name" } },
  flags: {},
  examples: ["apps:create blog"],
  async run(ctx, input) {
    const app = await newApp(ctx, input.app);
    ctx.header(`-----> Creating ${app.name}...`);
    ctx.header("-----> Creating new app virtual host file...");
  },
});
