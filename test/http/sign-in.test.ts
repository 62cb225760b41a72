import assert from "node:assert/strict";
import type { Key } from "../../server/model/key.ts";
import { DashboardServer } from "../support/dashboard-server.ts";

describe("signing in to the dashboard", () => {
  let server: DashboardServer;
  let alice: Key;

  beforeEach(async () => {
    server = await DashboardServer.start();
    alice = server.addKey("alice", "admin");
  });

  afterEach(() => server.close());

  const redeem = (link: string, headers: Record<string, string> = {}) =>
    fetch(link, { method: "POST", headers: { origin: server.url, ...headers }, redirect: "manual" });
  const statusOf = async (cookie: string) =>
    (await fetch(`${server.url}/apps`, { headers: { cookie } })).status;

  it("tells who is not signed in the command that prints a link", async () => {
    const answer = await fetch(`${server.url}/apps`);
    assert.equal(answer.status, 401);
    assert.match(await answer.text(), /ssh -p 2222 slipway@127\.0\.0\.1 dashboard:login/);
  });

  it("trades a link for a session once, and not for looking at it", async () => {
    const link = server.signInLink(alice);
    for (let preview = 0; preview < 3; preview += 1) assert.equal((await fetch(link)).status, 200);
    const answer = await redeem(link);
    assert.equal(answer.status, 303);
    const cookie = answer.headers.get("set-cookie") ?? "";
    assert.match(cookie, /^slipway-session=[\w-]{43}; .*Path=\/; .*HttpOnly; SameSite=Lax$/);
    assert.equal(await statusOf(cookie.split(";")[0] ?? ""), 200);
    const again = await redeem(link);
    assert.equal(again.status, 410);
    assert.equal(again.headers.get("set-cookie"), null);
  });

  it("ends the session on sign-out and with the key that signed in", async () => {
    const [first, second] = [await server.cookieOf(alice), await server.cookieOf(alice)];
    await fetch(`${server.url}/sign-out`, {
      method: "POST",
      headers: { origin: server.url, cookie: first },
      redirect: "manual",
    });
    assert.deepEqual([await statusOf(first), await statusOf(second)], [401, 200]);
    server.state.keys.remove(alice.id);
    assert.equal(await statusOf(second), 401);
  });

  it("gives a Secure cookie that subdomains cannot plant behind https", async () => {
    const answer = await redeem(server.signInLink(alice), { "x-forwarded-proto": "https" });
    assert.match(answer.headers.get("set-cookie") ?? "", /^__Host-slipway-session=.*Secure/);
  });

  it("blocks an address after ten wrong links, and no other", async () => {
    const guess = async (address: string) =>
      (await redeem(`${server.url}/sign-in/wrong`, { "x-forwarded-for": address })).status;
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 11; attempt += 1) statuses.push(await guess("2001:db8:0:1::1"));
    assert.deepEqual(statuses, [...Array<number>(10).fill(410), 429]);
    assert.equal(await guess("2001:db8:0:1:ffff::2"), 429);
    assert.equal(await guess("2001:db8:0:2::1"), 410);
    assert.equal((await redeem(server.signInLink(alice), { "x-forwarded-for": "192.0.2.7" })).status, 303);
  });
});
