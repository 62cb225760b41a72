import assert from "node:assert/strict";
import { chromium, type Browser } from "playwright-core";
import { LocalServer } from "../../deploy/local-server.ts";
import { browserArguments } from "../support/browser-arguments.ts";
import { Project } from "../support/project.ts";

describe("the dashboard of a server at work", function () {
  this.timeout(120_000);
  let server: LocalServer;
  let project: Project;
  let browser: Browser;

  before(async () => {
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: browserArguments });
    server = await LocalServer.start();
    project = await Project.create(server, "crew", "procfile-web-worker");
  });

  after(async () => {
    await browser.close();
    await server.close();
    await project.remove();
  });

  it("shows a deploy as it happens, then the running app, its live logs, and acts on it", async () => {
    const page = await browser.newPage();
    const link = /http\S+/.exec((await server.ssh("dashboard:login")).stdout)?.[0];
    assert.ok(link !== undefined);
    await page.goto(link);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/apps");
    await page.getByText("Push your first app").waitFor();

    const deploying = project.deploy();
    await page.getByRole("link", { name: "crew", exact: true }).click();
    await deploying;
    await page.getByText("running", { exact: true }).first().waitFor();
    await page.getByRole("log").getByText("listening on 5000").first().waitFor();
    await server.fetch("crew.localhost", "/seen-in-the-log");
    await page.getByRole("log").getByText("/seen-in-the-log").waitFor();

    await page.getByRole("link", { name: "v1", exact: true }).first().click();
    await page.getByText("=====> Application deployed:").waitFor();
    await page.goBack();

    page.once("dialog", (dialog) => void dialog.accept());
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("stopped", { exact: true }).first().waitFor();
    assert.equal((await server.fetch("crew.localhost")).status, 503);
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByText("running", { exact: true }).first().waitFor();
    assert.equal((await server.fetch("crew.localhost")).status, 200);
    if (process.env["SLIPWAY_SHOTS"] !== undefined) {
      await page.screenshot({ path: `${process.env["SLIPWAY_SHOTS"]}/app.png`, fullPage: true });
    }
  });
});
