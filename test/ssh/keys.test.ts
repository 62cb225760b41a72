import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "../../server/lib/exec.ts";
import { parsePublicKey } from "../../server/model/public-key.ts";
import { addAdminKey } from "../../server/ssh/admin-key.ts";
import { CommandLineFixture } from "../support/command-line.ts";

describe("public keys", () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-keys-"));
  });

  after(() => rm(directory, { recursive: true }));

  async function make(name: string, ...options: string[]): Promise<string> {
    const path = join(directory, name);
    await exec(["ssh-keygen", "-q", "-N", "", "-C", "a comment", "-f", path, ...options]);
    return await readFile(`${path}.pub`, "utf8");
  }

  for (const options of ["ed25519", "rsa -b 2048", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521"]) {
    it(`of type ${options} are read with OpenSSH's fingerprint`, async () => {
      const text = await make(options.replaceAll(" ", ""), "-t", ...options.split(" "));
      const { publicKey, fingerprint } = parsePublicKey(`\n${text}\n`);
      assert.equal(publicKey, text.split(" ").slice(0, 2).join(" "));
      const shown = await exec([
        "ssh-keygen",
        "-l",
        "-f",
        join(directory, `${options.replaceAll(" ", "")}.pub`),
      ]);
      assert.equal(fingerprint, shown.split(" ")[1]);
    });
  }

  it("that are none say why", async () => {
    const good = await make("good", "-t", "ed25519");
    const [type = "", base64 = ""] = good.split(" ");
    const blob = Buffer.from(base64, "base64");
    const point = Buffer.from((await make("point", "-t", "ecdsa")).split(" ")[1]!, "base64");
    point[point.length - 1]! ^= 1;
    const cases: [string, RegExp][] = [
      [`${type} ${blob.subarray(0, -1).toString("base64")}`, /cut off/],
      [`${type} ${Buffer.concat([blob, Buffer.alloc(4)]).toString("base64")}`, /numbers do not fit/],
      [`ssh-rsa ${base64}`, /does not hold a key of type ssh-rsa/],
      [`command="sh" ${type} ${base64}`, /expected "type base64 comment"/],
      [`${type} ${base64}!`, /expected "type base64 comment"/],
      [`ecdsa-sha2-nistp256 ${point.toString("base64")}`, /numbers are no key/],
      [await make("short", "-t", "rsa", "-b", "1024"), /at least 2048 bits/],
      [`ssh-dss ${Buffer.from("\0\0\0\x07ssh-dss").toString("base64")}`, /type ssh-dss are not supported/],
      [await readFile(join(directory, "good"), "utf8"), /it is a private key/],
      ["../../etc/passwd", /expected/],
    ];
    for (const [text, message] of cases)
      assert.throws(() => parsePublicKey(text), { name: "UserError", message }, text.slice(0, 60));
  });
});

describe("the administrator's key", () => {
  let slipway: CommandLineFixture;
  let home: string;
  const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH1MUd8a4rzJSwDuaSI9FJ2I4dpsRNnDHXVtfVWGvTGd";

  beforeEach(async () => {
    slipway = await CommandLineFixture.open();
    slipway.state.keys.remove(slipway.admin.id);
    home = await mkdtemp(join(tmpdir(), "slipway-home-"));
    await mkdir(join(home, ".ssh"));
  });

  afterEach(async () => {
    await slipway.close();
    await rm(home, { recursive: true });
  });

  const names = () => slipway.state.keys.list().map(({ name, role }) => `${name} ${role}`);
  const add = (configured: string | null) => addAdminKey({ keys: slipway.state.keys, configured, home });

  it("comes from the configuration, as text or as a file, once", async () => {
    await add(`${publicKey} ada@example.com`);
    assert.deepEqual(names(), ["admin admin"]);
    await add("/nonexistent");
    assert.deepEqual(names(), ["admin admin"]);
    slipway.state.keys.remove(slipway.state.keys.byName("admin")!.id);
    await writeFile(join(home, "key.pub"), publicKey);
    await add(join(home, "key.pub"));
    assert.equal(slipway.state.keys.byName("admin")?.publicKey, publicKey);
  });

  it("is refused with a clear line when it is none", async () => {
    await assert.rejects(add(join(home, "none.pub")), {
      name: "UserError",
      message: /--admin-key is neither/,
    });
    await assert.rejects(add("ssh-ed25519 nonsense"), {
      name: "UserError",
      message: /not a valid ssh public key/,
    });
    assert.deepEqual(names(), []);
  });

  it("comes from ~/.ssh/*.pub otherwise, whatever else is there", async () => {
    await writeFile(join(home, ".ssh/a.pub"), "nonsense");
    await writeFile(join(home, ".ssh/authorized_keys"), "ssh-ed25519 other");
    await writeFile(join(home, ".ssh/b.pub"), publicKey);
    await writeFile(join(home, ".ssh/c.pub"), `${publicKey} the same`);
    await exec(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(home, ".ssh/d")]);
    await add(null);
    assert.deepEqual(names(), ["admin admin", "admin-2 admin"]);
    assert.equal(slipway.state.keys.byName("admin")?.publicKey, publicKey);
  });

  it("may be missing: the server starts, and nobody can sign in yet", async () => {
    await rm(join(home, ".ssh"), { recursive: true });
    assert.deepEqual(await add(null), []);
  });
});
