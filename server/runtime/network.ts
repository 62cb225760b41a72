import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { exec } from "../lib/exec.ts";
import type { Attachment } from "./order.ts";
import { firewallRules } from "./firewall.ts";

const mostNetworks = 64;
const prefix = 22;
/** Host numbers in a /22; the first is the bridge's own, the last the broadcast address. */
const firstHost = 2;
const lastHost = 1022;

/** What this server's containers are attached to: a bridge of its own and the rules that keep them apart. */
export interface Network {
  readonly bridge: string;
  /** Takes a free address for a container, or the one that an adopted container has. */
  attach(address?: string): Attachment;
  release(address: string): void;
  /** Content of /etc/resolv.conf in containers. */
  resolvConf(): string;
  /** Removes bridge and rules; containers must have ended. */
  close(): Promise<void>;
}

interface Link {
  readonly ifname: string;
  readonly ifalias?: string;
}

/**
 * Makes the bridge slipwayN with 10.223.(4N).0/22 and the nftables table slipwayN, or finds those that an earlier server of
 * the same `owner` (its data directory) made.
 */
export async function openNetwork(owner: string): Promise<Network> {
  const number = (await findOwn(owner)) ?? (await createBridge(owner));
  const bridge = `slipway${number}`;
  const gateway = addressOf(number, 1);
  await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  const nameservers = hostNameservers();
  const relayed = nameservers.every(isLoopback) ? nameservers[0] : undefined;
  // Lets the rules below turn a question to the gateway into one to the host's own resolver on loopback.
  if (relayed !== undefined) await writeFile(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, "1");
  await loadRules(
    firewallRules({ bridge, gateway, subnet: `${addressOf(number, 0)}/${prefix}`, nameservers, relayed }),
  );

  const taken = new Set<string>();
  let next = firstHost;
  const free = (): string => {
    // Round and round, so that an address rests before it is used again.
    for (let tries = firstHost; tries <= lastHost; tries++) {
      const address = addressOf(number, next);
      next = next === lastHost ? firstHost : next + 1;
      if (!taken.has(address)) return address;
    }
    throw new Error(`Every address of ${bridge} is in use`);
  };

  return {
    bridge,
    attach(address = free()) {
      taken.add(address);
      return { bridge, link: linkName(), address, prefix, gateway };
    },
    release: (address) => void taken.delete(address),
    resolvConf() {
      const servers = relayed === undefined ? hostNameservers() : [gateway];
      return servers
        .filter((server) => !isLoopback(server))
        .map((server) => `nameserver ${server}\n`)
        .join("");
    },
    async close() {
      await exec(["ip", "link", "delete", bridge]);
      await exec(["nft", "delete", "table", "inet", bridge]);
    },
  };
}

async function findOwn(owner: string): Promise<number | null> {
  const bridges = JSON.parse(await exec(["ip", "-json", "link", "show", "type", "bridge"])) as Link[];
  const own = bridges.find(({ ifname, ifalias }) => ifalias === owner && /^slipway\d+$/.test(ifname));
  return own === undefined ? null : Number(own.ifname.slice("slipway".length));
}

async function createBridge(owner: string): Promise<number> {
  const interfaces = networkInterfaces();
  const used = Object.values(interfaces).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
  for (let number = 0; number < mostNetworks; number++) {
    const bridge = `slipway${number}`;
    const inUse = used.some((address) => networkNumber(address) === number);
    if (inUse || !(await addLink(bridge))) continue;
    try {
      await exec(["ip", "link", "set", bridge, "alias", owner, "addrgenmode", "none", "up"]);
      await exec([
        "ip",
        "address",
        "add",
        `${addressOf(number, 1)}/${prefix}`,
        "broadcast",
        "+",
        "dev",
        bridge,
      ]);
      return number;
    } catch (error) {
      await exec(["ip", "link", "delete", bridge]);
      throw error;
    }
  }
  throw new Error(`All of slipway0 to slipway${mostNetworks - 1} are in use`);
}

/** False when another server was faster. */
async function addLink(bridge: string): Promise<boolean> {
  try {
    await exec(["ip", "link", "add", bridge, "type", "bridge"]);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes("File exists")) return false;
    throw error;
  }
}

async function loadRules(rules: string): Promise<void> {
  await exec(["nft", "-f", "-"], { input: rules });
}

function addressOf(network: number, host: number): string {
  return `10.223.${network * 4 + (host >> 8)}.${host & 255}`;
}

/** Which of our /22 networks an address lies in, null for none. */
function networkNumber(address: string): number | null {
  const match = /^10\.223\.(\d+)\.\d+$/.exec(address);
  return match === null ? null : Math.floor(Number(match[1]) / 4);
}

/** At most 15 characters (netdevice(7)). Never the same twice: the kernel removes the link of an ended container in its own time. */
function linkName(): string {
  return `slw${randomBytes(6).toString("hex")}`;
}

/** The host's IPv4 name servers; those behind systemd-resolved's loopback address rather than it (resolved.conf(5)). */
function hostNameservers(): string[] {
  const configured = readNameservers("/etc/resolv.conf");
  if (!configured.every(isLoopback)) return configured;
  const upstream = readNameservers("/run/systemd/resolve/resolv.conf");
  return upstream.length > 0 ? upstream : configured;
}

function readNameservers(path: string): string[] {
  const content = existsSync(path) ? readFileSync(path, "utf8") : "";
  return [...content.matchAll(/^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map((match) => match[1]!);
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.");
}
