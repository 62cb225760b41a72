import { defineCommand } from "../command.ts";
import { app } from "../input.ts";
import { requireKey } from "../ssh-keys/require-key.ts";

export const aclRemove = defineCommand({
  name: "acl:remove",
  summary: "Take the right to an app from a key",
  role: "admin",
  effect: "change",
  args: { app, key: { kind: "word", label: "key" } },
  flags: {},
  examples: ["acl:remove blog alice"],
  run(ctx, input) {
    ctx.state.keys.revoke(input.app.id, requireKey(ctx.state, input.key).id);
  },
});
