import { defineCommand } from "../command.ts";
import { app } from "../input.ts";

export const url = defineCommand({
  name: "url",
  summary: "Show the first address of an app",
  role: "deploy",
  effect: "read",
  args: { app },
  flags: {},
  examples: ["url blog"],
  run: (ctx, input) => ctx.operations.urls(input.app)[0] ?? "",
  text: (address) => [address],
});
