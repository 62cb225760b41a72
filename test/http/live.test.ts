import assert from "node:assert/strict";
import type { Key } from "../../server/model/key.ts";
import { DashboardServer } from "../support/dashboard-server.ts";

interface ReceivedEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

describe("live streams of the dashboard", () => {
  let server: DashboardServer;
  let alice: Key;
  let reading: AbortController;

  beforeEach(async () => {
    server = await DashboardServer.start();
    alice = server.addKey("alice", "admin");
    reading = new AbortController();
  });

  afterEach(async () => {
    reading.abort();
    await server.close();
  });

  /** Lines of a stream, with their ids, until `last` is among them or the stream ends. */
  async function linesUntil(
    path: string,
    last: string | null,
    lastEventId?: string,
  ): Promise<ReceivedEvent[]> {
    const headers = {
      cookie: await server.cookieOf(alice),
      ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
    };
    const answer = await fetch(server.url + path, { headers, signal: reading.signal });
    assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
    const lines: ReceivedEvent[] = [];
    for await (const event of events(answer)) {
      if (event.event === "line") lines.push(event);
      if (last !== null && event.data.includes(last)) break;
    }
    return lines;
  }

  it("goes on after the last line that a reconnecting page has, and loses none of the same moment", async () => {
    const app = server.deployedApp("blog", { "web.1": "running" });
    const burst = Array.from({ length: 5 }, (_, number) => `line ${number}!`);
    for (const text of burst) server.operations.print(app, "web.1", text);
    const first = await linesUntil("/apps/blog/live", "line 4!");
    assert.equal(new Set(first.map(({ id }) => id)).size, 5);
    const rest = await linesUntil("/apps/blog/live", "line 4!", first[1]?.id);
    assert.deepEqual(
      rest.map(({ data }) => /line \d/.exec(data)?.[0]),
      ["line 2", "line 3", "line 4"],
    );
  });

  it("streams a deploy's log to its end and says so", async () => {
    const app = server.state.apps.create("blog");
    const release = server.beginDeploy(app, "a1b2c3d4");
    server.operations.sayDeploy(release, "-----> Building blog");
    const lines = linesUntil("/apps/blog/releases/1/live", null);
    server.operations.sayDeploy(release, " !     it did not work");
    server.state.releases.fail(release.id, "it did not work");
    server.operations.endDeploy(release);
    assert.deepEqual(
      (await lines).map(({ id, data }) => [id, /line (\w+)/.exec(data)?.[1]]),
      [
        ["1", "step"],
        ["2", "error"],
      ],
    );
    const again = await linesUntil("/apps/blog/releases/1/live", null, "1");
    assert.deepEqual(
      again.map(({ id }) => id),
      ["2"],
    );
  });
});

async function* events(answer: Response): AsyncGenerator<ReceivedEvent> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
      yield { event: field("event"), id: field("id"), data: field("data") };
    }
  }
}
