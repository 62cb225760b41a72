import type { Release } from "../../model/release.ts";
import { defineCommand } from "../command.ts";
import { app } from "../input.ts";

export const releasesList = defineCommand({
  name: "releases:list",
  summary: "List the releases of an app, newest first",
  role: "deploy",
  effect: "read",
  args: { app },
  flags: {},
  examples: ["releases:list blog"],
  run: (ctx, input) =>
    ctx.state.releases
      .list(input.app.id)
      .map((release) => ({ ...release, current: release.id === input.app.currentReleaseId })),
  text(releases, { input, quiet }) {
    const header = `=====> ${input.app.name} releases`;
    return [...(quiet ? [] : [header]), ...releases.map((release) => row(release))];
  },
  json: (releases) => releases.map(({ id: _id, appId: _appId, ...release }) => release),
});

function row(release: Release & { readonly current: boolean }): string {
  const { version, status, source, commit, author, createdAt, current, failure } = release;
  const cells = [
    `v${version}`.padEnd(5),
    status.padEnd(9),
    source.padEnd(7),
    (commit?.slice(0, 8) ?? "-").padEnd(8),
    new Date(createdAt).toISOString(),
    author,
  ];
  return [...cells, ...(current ? ["(current)"] : []), ...(failure === null ? [] : [failure])].join("  ");
}
