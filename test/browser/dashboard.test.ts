import assert from "node:assert/strict";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import type { Key } from "../../server/model/key.ts";
import { browserArguments } from "../support/browser-arguments.ts";
import { DashboardServer } from "../support/dashboard-server.ts";
import { until } from "../support/until.ts";

/** Chromium tells of every answer that is no success: the signed-out page, a server that restarts. */
const expected = /401 \(Unauthorized\)|net::ERR_/;
const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

describe("dashboard in a browser", () => {
  let browser: Browser;
  let server: DashboardServer;
  let alice: Key;
  let context: BrowserContext;
  let complaints: string[];

  before(async () => {
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: browserArguments });
  });

  after(() => browser.close());

  beforeEach(async () => {
    server = await DashboardServer.start();
    alice = server.addKey("alice", "admin");
    complaints = [];
  });

  afterEach(async () => {
    await context.close();
    await server.close();
    assert.deepEqual(complaints, []);
  });

  /** A tab that is signed in; whatever its console complains about fails the test. */
  async function signedInPage(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    context = await browser.newContext(options);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      const complains = message.type() === "error" || message.type() === "warning";
      if (complains && !expected.test(message.text())) complaints.push(message.text());
    });
    await page.goto(server.signInLink(alice));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/apps");
    return page;
  }

  it("goes from a sign-in link to the first app, and out again", async () => {
    const page = await signedInPage();
    await page.getByRole("heading", { name: "Push your first app" }).waitFor();
    await page.getByText("git remote add slipway ssh://slipway@127.0.0.1:2222/my-app").waitFor();
    server.deployedApp("blog", { "web.1": "running" });
    await page.getByRole("link", { name: "blog", exact: true }).click();
    await page.getByRole("heading", { name: "blog" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("dashboard:login").waitFor();
  });

  it("lists what is true about each app, and goes on being true", async () => {
    const blog = server.deployedApp("blog", { "web.1": "running", "worker.1": "running" });
    server.deployedApp("api", { "web.1": "running", "web.2": "backoff" });
    server.deployedApp("shop", { "web.1": "exited" });
    const failed = server.beginDeploy(blog, "feedbeef00");
    server.state.releases.fail(failed.id, "npm ci failed");
    const page = await signedInPage();
    const row = async (name: string) =>
      (await page.getByRole("row").filter({ hasText: name }).innerText()).replace(/\s+/g, " ");
    assert.match(await row("blog"), /running 2\/2 v2 failed feedbeef just now by alice/);
    assert.match(await row("api"), /restarting 1\/2 v1 succeeded a1b2c3d4/);
    assert.match(await row("shop"), /crashed 0\/1/);
    server.state.apps.setWanted(blog.id, false);
    for (const process of server.state.processes.list(blog.id)) server.state.processes.delete(process.id);
    await until(async () => (await row("blog")).includes("stopped –"));
  });

  it("shows log lines as they are written, in colour, and lets the reader scroll back", async () => {
    const app = server.deployedApp("blog", { "web.1": "running" });
    for (let line = 0; line < 60; line += 1) server.operations.print(app, "web.1", `early ${line}`);
    const page = await signedInPage();
    await page.goto(`${server.url}/apps/blog`);
    const log = page.getByRole("log");
    await log.getByText("early 59").waitFor();
    server.operations.print(app, "web.1", "\x1b[31mlive and red\x1b[0m");
    const red = log.getByText("live and red");
    await red.waitFor();
    assert.equal(await red.getAttribute("class"), "colour-1");
    assert.equal(await log.getByText("early 59").count(), 1);

    await log.evaluate((box) => box.scrollTo(0, 0));
    await page.getByRole("button", { name: "Follow", exact: true }).waitFor();
    server.operations.print(app, "web.1", "while reading");
    const follow = page.getByRole("button", { name: "Follow (1 new)" });
    await follow.waitFor();
    assert.equal(await log.evaluate((box) => box.scrollTop), 0);
    await follow.click();
    await page.getByRole("button", { name: "Following" }).waitFor();
    assert.ok(await log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 8));
  });

  it("announces a running deploy, streams its log and shows how it ended", async () => {
    const app = server.deployedApp("blog", { "web.1": "running" });
    const page = await signedInPage();
    await page.goto(`${server.url}/apps/blog`);
    const release = server.beginDeploy(app, "feedbeef00");
    server.operations.sayDeploy(release, "-----> Building blog");
    await page.getByText("v2 is building: git push by alice.").waitFor();
    await page.getByRole("link", { name: "Watch the deploy" }).click();
    await page.getByText("-----> Building blog").waitFor();
    server.operations.sayDeploy(release, "       installing dependencies");
    await page.getByRole("log").getByText("installing dependencies").waitFor();
    server.state.releases.fail(release.id, "npm ci failed: lock file is out of step");
    server.operations.endDeploy(release);
    await page.getByRole("alert").getByText("npm ci failed: lock file is out of step").waitFor();
    await page.getByText("failed", { exact: true }).waitFor();
    assert.equal(await page.getByText("-----> Building blog").count(), 1);
  });

  it("stops an app after asking, and says why a start failed", async () => {
    server.deployedApp("blog", { "web.1": "running" });
    const page = await signedInPage();
    await page.goto(`${server.url}/apps/blog`);
    const questions: string[] = [];
    page.on("dialog", (dialog) => {
      questions.push(dialog.message());
      void dialog.accept();
    });
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("stopped", { exact: true }).waitFor();
    assert.deepEqual(questions, ["Stop blog? Its visitors get an error page until it is started again."]);
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Could not start blog: web.1 did not listen on its port within 60 s").waitFor();
    assert.deepEqual(server.operations.calls, ["stop blog by alice", "start blog by alice"]);
  });

  it("shows hostile log lines, commits and failures as text", async () => {
    const app = server.deployedApp("blog", { "web.1": "running" });
    const release = server.beginDeploy(app, hostile.slice(0, 8));
    server.operations.print(app, "web.1", hostile);
    const page = await signedInPage();
    await page.goto(`${server.url}/apps/blog`);
    await page.getByRole("log").getByText(hostile).waitFor();
    server.operations.print(app, "web.1", `live ${hostile}`);
    await page.getByRole("log").getByText(`live ${hostile}`).waitFor();
    server.state.releases.fail(release.id, hostile);
    server.operations.endDeploy(release);
    await page.locator("#releases").getByText(hostile).waitFor();
    await page.goto(`${server.url}/apps/blog/releases/${release.version}`);
    await page.getByRole("alert").getByText(hostile).waitFor();
    assert.equal(await page.title(), "blog v2 · Slipway");
    assert.equal(await page.locator("img").count(), 0);
  });

  it("can be read without JavaScript", async () => {
    const app = server.deployedApp("blog", { "web.1": "running" });
    server.operations.print(app, "web.1", "hello from web");
    const release = server.beginDeploy(app, "feedbeef00");
    server.operations.sayDeploy(release, "-----> Building blog");
    const page = await signedInPage({ javaScriptEnabled: false });
    await page.getByRole("link", { name: "blog", exact: true }).click();
    await page.getByText("hello from web").waitFor();
    await page.getByRole("link", { name: "Watch the deploy" }).click();
    await page.getByText("-----> Building blog").waitFor();
  });

  it("fits a phone without scrolling sideways", async () => {
    const name = "an-app-with-a-name-that-goes-on-for-sixty-three-characters-more";
    const app = server.deployedApp(name, { "web.1": "running", "web.2": "backoff" });
    server.operations.print(app, "web.1", "x".repeat(500));
    const release = server.beginDeploy(app, "feedbeef00");
    server.operations.sayDeploy(release, "y".repeat(500));
    const page = await signedInPage({ viewport: { width: 390, height: 844 } });
    for (const path of ["/apps", `/apps/${name}`, `/apps/${name}/releases/2`]) {
      await page.goto(server.url + path);
      const width = await page.evaluate("document.documentElement.scrollWidth");
      assert.equal(width, 390, path);
    }
  });

  it("goes on by itself after the server was restarted, with every line once", async () => {
    const app = server.deployedApp("blog", { "web.1": "running" });
    server.operations.print(app, "web.1", "before");
    const page = await signedInPage();
    await page.goto(`${server.url}/apps/blog`);
    await page.getByText("before", { exact: true }).waitFor();
    await server.stopListening();
    await page.getByText("Connection lost").waitFor();
    server.operations.print(app, "web.1", "meanwhile");
    await server.listenAgain();
    await page.getByText("meanwhile", { exact: true }).waitFor();
    await page.getByText("Connection lost").waitFor({ state: "hidden" });
    assert.equal(await page.getByText("before", { exact: true }).count(), 1);
  });
});
