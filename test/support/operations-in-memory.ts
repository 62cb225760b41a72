import type { LogQuery, Operations } from "../../server/deploy/operations.ts";
import type { App } from "../../server/model/app.ts";
import type { LogLine } from "../../server/model/log-line.ts";
import type { Release } from "../../server/model/release.ts";
import type { State } from "../../server/state/state.ts";

/** For tests of how commands read and print: does to the state what the real one does, runs nothing, keeps what was asked. */
export function operationsInMemory(state: State, logLines: readonly LogLine[] = []) {
  const asked: string[] = [];
  const release = (app: App, source: string): Release => {
    const made = state.releases.create({
      appId: app.id,
      source,
      author: "test",
      commit: null,
      imageDigest: "sha256:0",
    });
    state.releases.succeed(made.id);
    return made;
  };
  const operations: Operations = {
    createApp: async (name, actor) => {
      const app = state.apps.create(name);
      state.keys.grant(app.id, actor.id);
      return app;
    },
    destroyApp: async (app) => state.apps.delete(app.id),
    deployCommit: async (app) => release(app, "push"),
    redeploy: async (app, source, _actor, say) => {
      asked.push(`redeploy ${app.name} ${source}`);
      say("-----> Deploying web (count=1)");
      return release(app, source);
    },
    scale: async (app, quantities) => state.scale.set(app.id, quantities),
    stop: async (app) => state.apps.setWanted(app.id, false),
    start: async (app) => state.apps.setWanted(app.id, true),
    publishRoutes: async () => void asked.push("publish"),
    hosts: (app) => [`${app.name}.example.com`, ...state.domains.list(app.id)],
    urls: (app) => operations.hosts(app).map((host) => `http://${host}`),
    logs: (_app, query) => follow(logLines, query, asked),
    deployLog: async function* () {},
  };
  return { operations, asked };
}

async function* follow(lines: readonly LogLine[], query: LogQuery, asked: string[]): AsyncGenerator<LogLine> {
  asked.push(`logs lines=${query.lines} process=${query.process ?? ""} follow=${query.follow}`);
  yield* lines.slice(-query.lines);
  if (!query.follow) return;
  if (!query.signal.aborted)
    await new Promise((resolve) => query.signal.addEventListener("abort", resolve, { once: true }));
  asked.push("logs ended");
}
