import assert from "node:assert/strict";
import { DashboardServer } from "../support/dashboard-server.ts";

const openRoutes = ["GET /", "GET /sign-in/:secret", "POST /sign-in/:secret", "POST /sign-out"];

describe("access to the dashboard", () => {
  let server: DashboardServer;

  beforeEach(async () => {
    server = await DashboardServer.start();
    server.deployedApp("blog", { "web.1": "running" });
  });

  afterEach(() => server.close());

  /** Every route there is, such as "POST /apps/:name/stop": one that is added later is tested too. */
  function routes(): string[] {
    return server.router.stack.flatMap(({ route }) =>
      route === undefined ? [] : route.stack.map(({ method }) => `${method.toUpperCase()} ${route.path}`),
    );
  }

  const request = (route: string, headers: Record<string, string>) => {
    const [method = "", path = ""] = route.split(" ");
    const address = server.url + path.replace(":name", "blog").replace(":version", "1");
    return fetch(address, { method, headers, redirect: "manual" });
  };

  it("needs a session for every page, stream and action", async () => {
    const guarded = routes().filter((route) => !openRoutes.includes(route));
    assert.ok(guarded.length >= 8, guarded.join());
    for (const route of guarded) {
      const cookie = "slipway-session=made-up";
      assert.equal((await request(route, { origin: server.url, cookie })).status, 401, route);
    }
    assert.deepEqual(server.operations.calls, []);
  });

  it("answers another's app as if it did not exist", async () => {
    const stranger = server.addKey("stranger", "deploy");
    const cookie = await server.cookieOf(stranger);
    const ofApp = routes().filter((route) => route.includes(":name"));
    assert.ok(ofApp.length >= 7, ofApp.join());
    for (const route of ofApp) {
      const answer = await request(route, { origin: server.url, cookie });
      assert.equal(answer.status, 404, route);
      assert.match(await answer.text(), /App blog does not exist/);
    }
    assert.doesNotMatch(await (await request("GET /apps", { cookie })).text(), /blog/);
    assert.deepEqual(server.operations.calls, []);
  });

  it("lets a key use the app it was given", async () => {
    const carol = server.addKey("carol", "deploy");
    server.state.keys.grant(server.state.apps.get("blog").id, carol.id);
    const cookie = await server.cookieOf(carol);
    assert.equal((await request("GET /apps/:name", { cookie })).status, 200);
    const answer = await request("POST /apps/:name/stop", { origin: server.url, cookie });
    assert.deepEqual([answer.status, answer.headers.get("location")], [303, "/apps/blog"]);
    assert.deepEqual(server.operations.calls, ["stop blog by carol"]);
  });

  it("takes no form that another site, or none, has sent", async () => {
    const cookie = await server.cookieOf(server.addKey("alice", "admin"));
    const other = server.url.replace("127.0.0.1", "blog.127.0.0.1");
    for (const route of routes().filter((name) => name.startsWith("POST"))) {
      for (const headers of [{}, { origin: other }, { origin: "null" }]) {
        assert.equal((await request(route, { cookie, ...headers })).status, 403, route);
      }
    }
    assert.deepEqual(server.operations.calls, []);
    assert.equal((await request("GET /apps", { cookie })).status, 200);
  });

  it("ends a stream when the reader loses the right to it", async () => {
    const carol = server.addKey("carol", "deploy");
    const app = server.state.apps.get("blog");
    server.state.keys.grant(app.id, carol.id);
    const stream = await request("GET /apps/:name/live", { cookie: await server.cookieOf(carol) });
    server.state.keys.revoke(app.id, carol.id);
    assert.match(await stream.text(), /event: fragment/);
  });
});
