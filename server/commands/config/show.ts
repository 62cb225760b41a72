import { defineCommand } from "../command.ts";
import { appOrGlobal, globalFlag } from "../input.ts";
import { columns } from "./pairs.ts";
import { mergedFlag, varsOf } from "./vars.ts";

export const configShow = defineCommand({
  name: "config:show",
  summary: "Show config vars and their values",
  role: "deploy",
  effect: "read",
  args: { app: appOrGlobal },
  flags: { global: globalFlag, merged: mergedFlag },
  examples: ["config:show blog", "config blog"],
  run: (ctx, input) => Object.fromEntries(varsOf(ctx, input.app, input.merged)),
  text(vars, { input, quiet }) {
    const header = `=====> ${input.app?.name ?? "global"} env vars`;
    return [...(quiet ? [] : [header]), ...columns(new Map(Object.entries(vars)))];
  },
});
