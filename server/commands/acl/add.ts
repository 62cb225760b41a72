import { defineCommand } from "../command.ts";
import { app } from "../input.ts";
import { requireKey } from "../ssh-keys/require-key.ts";

export const aclAdd = defineCommand({
  name: "acl:add",
  summary: "Give a key of role deploy the right to an app",
  role: "admin",
  effect: "change",
  args: { app, key: { kind: "word", label: "key" } },
  flags: {},
  examples: ["acl:add blog alice"],
  run(ctx, input) {
    ctx.state.keys.grant(input.app.id, requireKey(ctx.state, input.key).id);
  },
});
