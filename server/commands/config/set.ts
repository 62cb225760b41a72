import { defineCommand } from "../command.ts";
import { appOrGlobal, globalFlag } from "../input.ts";
import { columns, parsePairs } from "./pairs.ts";
import { noRestartFlag, restartWithNewConfig } from "./restart.ts";

/** Dokku shows the values that it was given; they end up in CI logs, so here they do not. */
const hidden = "********";

export const configSet = defineCommand({
  name: "config:set",
  summary: "Set one or more config vars; a running app is restarted with them",
  role: "deploy",
  effect: "change",
  args: { app: appOrGlobal, pairs: { kind: "words", label: "NAME=value", secret: true } },
  flags: {
    global: globalFlag,
    encoded: { kind: "switch", summary: "the values are base64, so that they may hold any character" },
    "no-restart": noRestartFlag,
  },
  examples: ["config:set blog RACK_ENV=production", "config:set --no-restart --encoded blog KEY=c2VjcmV0"],
  async run(ctx, input) {
    const vars = parsePairs(input.pairs, input.encoded);
    ctx.state.configVars.set(input.app?.id ?? null, vars);
    ctx.out("-----> Setting config vars");
    for (const row of columns(new Map([...vars.keys()].map((name) => [name, hidden]))))
      ctx.out(`       ${row}`);
    if (input.app !== null && !input["no-restart"]) await restartWithNewConfig(ctx, input.app);
  },
});
