import assert from "node:assert/strict";
import { appState } from "../../server/dashboard/app-state.ts";
import type { App } from "../../server/model/app.ts";
import type { Process, ProcessState } from "../../server/model/process.ts";

const app: App = {
  id: 1,
  name: "blog",
  createdAt: 0,
  deployBranch: "main",
  idBase: 1,
  currentReleaseId: 7,
  wanted: true,
};

function processes(...states: (ProcessState | [ProcessState, Partial<Process>])[]): Process[] {
  return states.map((entry, position) => {
    const [state, more] = typeof entry === "string" ? [entry, {}] : entry;
    const index = position + 1;
    return {
      id: index,
      appId: 1,
      releaseId: 7,
      type: "web",
      index,
      state,
      containerId: `c${index}`,
      pid: null,
      pidStartTime: null,
      port: null,
      restarts: 0,
      startedAt: 0,
      lastExit: null,
      ...more,
    };
  });
}

describe("state of an app", () => {
  const cases: [string, App, Process[], number, string, string, string][] = [
    ["never deployed", { ...app, currentReleaseId: null }, [], 0, "idle", "not deployed", "0/0"],
    ["all ready", app, processes("running", "running"), 2, "good", "running", "2/2"],
    ["stopped", { ...app, wanted: false }, [], 2, "idle", "stopped", "0/0"],
    ["being stopped", { ...app, wanted: false }, processes("stopping"), 1, "warn", "stopping", "0/0"],
    ["scaled to nothing", app, [], 0, "idle", "scaled to zero", "0/0"],
    ["booting", app, processes("starting"), 1, "warn", "starting", "0/1"],
    ["one of two crashing", app, processes("running", "backoff"), 2, "warn", "restarting", "1/2"],
    ["the only one crashing", app, processes("backoff"), 1, "bad", "restarting", "0/1"],
    ["coming up again", app, processes(["starting", { restarts: 2 }]), 1, "bad", "restarting", "0/1"],
    ["given up on", app, processes("running", "exited"), 2, "bad", "crashed", "1/2"],
    ["one missing", app, processes("running"), 2, "warn", "degraded", "1/2"],
    ["all missing", app, [], 1, "bad", "down", "0/1"],
    [
      "a deploy starting beside it",
      app,
      processes("running", ["starting", { releaseId: 8 }]),
      1,
      "good",
      "running",
      "1/1",
    ],
    [
      "an old release draining",
      app,
      processes("running", ["stopping", { releaseId: 6 }]),
      1,
      "good",
      "running",
      "1/1",
    ],
  ];
  for (const [name, subject, list, quantity, tone, word, count] of cases) {
    it(`is "${word}": ${name}`, () => {
      const state = appState(subject, list, new Map([["web", quantity]]));
      assert.deepEqual([state.tone, state.word, `${state.ready}/${state.wanted}`], [tone, word, count]);
    });
  }
});
