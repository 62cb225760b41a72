import { defineCommand } from "../command.ts";
import { app } from "../input.ts";

export const aclList = defineCommand({
  name: "acl:list",
  summary: "List the keys that were given the right to an app",
  role: "admin",
  effect: "read",
  args: { app },
  flags: {},
  examples: ["acl:list blog"],
  run: (ctx, input) => ctx.state.keys.grantedKeys(input.app.id),
  text: (names) => names,
});
