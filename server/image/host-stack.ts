import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../model/error.ts";
import type { Stack } from "../model/image.ts";
import { layerTar } from "./layer-tar.ts";

/** Id inside of containers of the user that builds and runs apps. */
const appUser = 1000;

/** Where distributions keep the certificates that programs trust; the first that exists is taken. */
const certificateBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
];

/** Parts of /etc that programs in /usr need, without anything about this machine or its people. */
const copied = [
  "debian_version",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "mime.types",
  "os-release",
  "protocols",
  "services",
  "ssl/openssl.cnf",
];

const written: Readonly<Record<string, string>> = {
  passwd: `root:x:0:0:root:/root:/bin/bash\napp:x:${appUser}:${appUser}:app:/app:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`,
  group: `root:x:0:\napp:x:${appUser}:\nnogroup:x:65534:\n`,
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
};

/**
 * The `host` stack: the machine's own /usr, read-only, over a root made for the purpose; nothing else of the machine is
 * seen. `directory` keeps the root, one folder for each state of the machine that differs.
 */
export async function openHostStack(directory: string): Promise<Stack> {
  const staged = join(directory, `${randomBytes(8).toString("hex")}.tmp`);
  await mkdir(staged, { recursive: true });
  try {
    await makeRoot(staged);
    const { digest } = await layerTar(staged);
    const root = join(directory, `host-${digest.slice("sha256:".length, "sha256:".length + 16)}`);
    // A root in use is never replaced: equal names hold equal content.
    if (!existsSync(root)) await rename(staged, root);
    return {
      name: "host",
      version: await stackVersion(),
      layers: [root],
      mounts: [{ kind: "bind", source: "/usr", target: "/usr", readOnly: true }],
    };
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** Changes when something built on the old state may not work on the new: distribution, processor, Python, compiler. */
async function stackVersion(): Promise<string> {
  const facts = [
    await readFile("/etc/os-release", "utf8").catch(() => ""),
    process.arch,
    await readlink("/usr/bin/python3").catch(() => ""),
    await readlink("/usr/bin/gcc").catch(() => ""),
  ];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 16);
}

async function makeRoot(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const name of ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]) await copyTopLink(root, name);
  for (const [name, mode] of [
    ...(["usr", "etc", "proc", "sys", "dev", "run", "home", "var", "layers", "cnb"] as const).map(
      (each) => [each, 0o755] as const,
    ),
    ["root", 0o700],
    ["tmp", 0o1777],
    ["var/tmp", 0o1777],
  ] as const) {
    await mkdir(join(root, name));
    await chmod(join(root, name), mode);
  }
  await mkdir(join(root, "app"));
  await chown(join(root, "app"), appUser, appUser);
  await makeEtc(join(root, "etc"));
}

/** On a merged /usr the top folders are links into it; other layouts are older than any kernel that Slipway runs on. */
async function copyTopLink(root: string, name: string): Promise<void> {
  const target = await readlink(`/${name}`).catch(() => null);
  if (target !== null) return await symlink(target, join(root, name));
  if (existsSync(`/${name}`))
    throw new UserError(`The host stack needs a merged /usr, but /${name} is a folder of its own`);
}

async function makeEtc(etc: string): Promise<void> {
  await mkdir(join(etc, "ssl/certs"), { recursive: true });
  for (const name of copied) {
    if (existsSync(join("/etc", name)))
      await cp(join("/etc", name), join(etc, name), { recursive: true, dereference: true });
  }
  for (const [name, content] of Object.entries(written)) await writeFile(join(etc, name), content);
  const bundle = hostCertificates();
  if (bundle !== null) await copyFile(bundle, join(etc, "ssl/certs/ca-certificates.crt"));
  await copyLink("localtime", etc);
  await mkdir(join(etc, "alternatives"));
  const alternatives = await readdir("/etc/alternatives").catch(() => []);
  await Promise.all(alternatives.map((name) => copyLink(join("alternatives", name), etc)));
}

/** The bundle of certificates that programs of this machine trust, null when there is none. */
function hostCertificates(): string | null {
  const chosen = process.env["SSL_CERT_FILE"];
  return [...(chosen === undefined ? [] : [chosen]), ...certificateBundles].find(existsSync) ?? null;
}

/** Copies a link of /etc, not what it points to: that is in /usr or not for apps to see. */
async function copyLink(name: string, etc: string): Promise<void> {
  const source = join("/etc", name);
  const stats = await lstat(source).catch(() => null);
  if (stats?.isSymbolicLink() !== true) return;
  await mkdir(dirname(join(etc, name)), { recursive: true });
  await symlink(await readlink(source), join(etc, name));
}
