import { UserError } from "../../model/error.ts";
import { defineCommand } from "../command.ts";
import { appOrGlobal, globalFlag } from "../input.ts";
import { noRestartFlag, restartWithNewConfig } from "./restart.ts";

export const configUnset = defineCommand({
  name: "config:unset",
  summary: "Unset one or more config vars; a running app is restarted without them",
  role: "deploy",
  effect: "change",
  args: { app: appOrGlobal, names: { kind: "words", label: "name" } },
  flags: { global: globalFlag, "no-restart": noRestartFlag },
  examples: ["config:unset blog RACK_ENV"],
  async run(ctx, input) {
    if (input.names.length === 0) throw new UserError("At least one key must be given");
    const appId = input.app?.id ?? null;
    const known = ctx.state.configVars.get(appId);
    const found = input.names.filter((name) => known.has(name));
    ctx.state.configVars.unset(appId, found);
    for (const name of input.names) {
      ctx.out(
        known.has(name)
          ? `-----> Unsetting ${name}`
          : `-----> Skipping ${name}, it is not set in the environment`,
      );
    }
    if (found.length > 0 && input.app !== null && !input["no-restart"])
      await restartWithNewConfig(ctx, input.app);
  },
});
