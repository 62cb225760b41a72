import { defineCommand } from "../command.ts";
import { app } from "../input.ts";
import { checkDomains } from "./names.ts";

export const domainsRemove = defineCommand({
  name: "domains:remove",
  summary: "Remove domains from the app",
  role: "deploy",
  effect: "change",
  args: { app, domains: { kind: "words", label: "domain" } },
  flags: {},
  examples: ["domains:remove blog www.example.com"],
  async run(ctx, input) {
    const { state, operations } = ctx;
    const names = checkDomains(input.domains);
    const lines = state.transaction(() =>
      names.map((name) =>
        state.domains.remove(input.app.id, name)
          ? `-----> Removed ${name} from ${input.app.name}`
          : `-----> Skipping: ${name} was not added to ${input.app.name}`,
      ),
    );
    await operations.publishRoutes();
    for (const line of lines) ctx.out(line);
  },
});
