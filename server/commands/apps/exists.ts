import { defineCommand } from "../command.ts";
import { app } from "../input.ts";

/** Access has looked the app up already: 0 when it is there, 20 when not. */
export const appsExists = defineCommand({
  name: "apps:exists",
  summary: "Exit with 0 if the app exists, with 20 if not",
  role: "deploy",
  effect: "read",
  args: { app },
  flags: {},
  examples: ["apps:exists blog"],
  run() {},
});
