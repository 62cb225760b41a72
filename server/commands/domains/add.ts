import { UserError } from "../../model/error.ts";
import { defineCommand } from "../command.ts";
import { app } from "../input.ts";
import { checkDomains } from "./names.ts";

export const domainsAdd = defineCommand({
  name: "domains:add",
  summary: "Add domains that reach the app; *.example.com takes all below it",
  role: "deploy",
  effect: "change",
  args: { app, domains: { kind: "words", label: "domain" } },
  flags: {},
  examples: ["domains:add blog www.example.com example.com"],
  async run(ctx, input) {
    const { state, operations } = ctx;
    const names = checkDomains(input.domains);
    const others = state.apps.list().filter((other) => other.id !== input.app.id);
    const taken = new Set(others.flatMap((other) => operations.hosts(other)));
    const own = new Set(operations.hosts(input.app));
    const lines = state.transaction(() =>
      names.map((name) => {
        if (taken.has(name)) throw new UserError(`${name} is already in use by another app`);
        const added = !own.has(name) && state.domains.add(input.app.id, name);
        return added
          ? `-----> Added ${name} to ${input.app.name}`
          : `-----> Skipping: ${name} already added to ${input.app.name}`;
      }),
    );
    await operations.publishRoutes();
    for (const line of lines) ctx.out(line);
  },
});
