import { defineCommand } from "../command.ts";
import { app } from "../input.ts";

export const urls = defineCommand({
  name: "urls",
  summary: "Show all addresses of an app",
  role: "deploy",
  effect: "read",
  args: { app },
  flags: {},
  examples: ["urls blog"],
  run: (ctx, input) => ctx.operations.urls(input.app),
  text: (addresses) => addresses,
});
